from cloudpay.chains.gateway import Gateway
from cloudpay.wallets.own import note_own, own_among


def test_a_transaction_that_was_noted_is_ours_on_its_network_alone(gateway: Gateway) -> None:
    gateway.db.run(lambda session: note_own(session, "evm", ["0x1", "0x2"]))
    with gateway.db.read() as session:
        assert own_among(session, "evm", ["0x1", "0x3", "0x2"]) == {"0x1", "0x2"}
        assert own_among(session, "fake2", ["0x1"]) == frozenset()
        assert own_among(session, "evm", []) == frozenset()


def test_noting_again_changes_nothing(gateway: Gateway) -> None:
    noted: list[list[str]] = [["0x1", "0x1"], ["0x1", "0x2"], []]
    for ids in noted:
        with gateway.db.transaction() as session:
            note_own(session, "evm", ids)
    with gateway.db.read() as session:
        assert own_among(session, "evm", ["0x1", "0x2"]) == {"0x1", "0x2"}


def test_thousands_are_noted_and_asked_for_at_once(gateway: Gateway) -> None:
    ids = [f"0x{number:064x}" for number in range(10_000)]
    gateway.db.run(lambda session: note_own(session, "evm", ids[::2]))
    with gateway.db.read() as session:
        assert own_among(session, "evm", ids) == set(ids[::2])
