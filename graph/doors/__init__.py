"""How the graph is reached: HTTP, WebSocket, the terminal, and the schema as a file."""
