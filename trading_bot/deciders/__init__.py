"""What decides besides the strategies: a language model, asked over HTTP."""
