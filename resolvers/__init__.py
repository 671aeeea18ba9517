"""How each field is answered: reads, verbs that call one service, and watches."""
