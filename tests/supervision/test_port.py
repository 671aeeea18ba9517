import socket

import pytest

from trading_bot.errors.fault import Fault
from trading_bot.supervision.port import require_free


def test_a_port_that_somebody_listens_on_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(Fault) as raised:
            require_free("127.0.0.1", port)

    assert (raised.value.code, raised.value.cause) == (
        "SYS_004",
        f"Another program listens on 127.0.0.1 port {port}.",
    )
    require_free("127.0.0.1", port)


def test_a_port_is_free_while_its_last_connections_close() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        connection, _ = server.accept()
        connection.close()  # the side that closes first keeps the port in TIME_WAIT
        client.close()

    require_free("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_a_wrong_setting(host: str) -> None:
    with pytest.raises(Fault) as raised:
        require_free(host, 8000)

    assert (raised.value.code, raised.value.context) == ("CFG_003", {"setting": "BOT_API_HOST"})
