"""The codes of a language model that decides."""

from trading_bot.errors.codes import DELAY, HIGH, LOW, NEVER, code, look

DECIDER_CODES = (
    code(
        "LLM_001", "DeciderError", "A call to the language model failed", LOW, DELAY,
        meaning="The endpoint did not answer in time, refused the call, closed the connection, or its reply is no chat completion or too large.",
        impact="No decision was made at this bar; stops, targets and exits go on.",
        remediation="None is needed for a passing failure: the bot asks again. If it repeats, check decider.url, decider.model and decider.key.",
        actions=(look("See how often it fails", "errors", first=5, filter={"errorCode": "LLM_001"}),),
    ),
    code(
        "LLM_002", "DeciderError", "The language model's answer is not usable", LOW, DELAY,
        meaning="The answer is not JSON, or does not satisfy the schema that the model was sent.",
        impact="Nothing was done on it; stops, targets and exits go on.",
        remediation="None is needed for a passing failure: the bot asks again. If it repeats, raise decider.max_tokens or name another decider.model.",
        actions=(look("See how often it fails", "errors", first=5, filter={"errorCode": "LLM_002"}),),
    ),
    code(
        "LLM_003", "DeciderError", "The language model failed three times in a row", HIGH, DELAY,
        meaning="Three calls in a row gave no usable answer; the last failure is named in the cause.",
        impact="No new entries until a call succeeds; stops, targets and exits go on.",
        remediation="Check decider.url, decider.model and decider.key; the bot asks again by itself, after longer and longer waits.",
        actions=(look("See what went wrong", "errors", first=5),),
    ),
    code(
        "LLM_004", "DeciderError", "What the language model proposed can't be done", LOW, NEVER,
        meaning="The symbol can't be entered or left at this moment, or the prices of the entry contradict each other or the market.",
        impact="Nothing was sent; the decision's trace says why.",
        remediation="None is needed: the model is asked again. Its limits are code; nothing that it answers changes them.",
    ),
)  # fmt: skip
