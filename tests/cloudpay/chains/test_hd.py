import pytest

from cloudpay.chains.hd import InvalidExtendedKey, derive_public_key, parse_extended_key

# BIP-32, test vector 2: m/0 and m/0/2147483647H/1, with the public child of the latter, m/0/2147483647H/1/2147483646H
PARENT = (
    "xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCG"
    "u8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB"
)
CHILD = (
    "xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmX"
    "UbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH"
)


def test_a_public_child_is_the_one_of_the_specification() -> None:
    child, expected = parse_extended_key(PARENT).child(0), parse_extended_key(CHILD)
    assert (child.point, child.chain_code) == (expected.point, expected.chain_code)


def test_an_extended_key_is_written_as_it_was_read() -> None:
    assert parse_extended_key(CHILD).serialise() == CHILD


def test_an_address_key_is_the_grandchild_of_the_account_key() -> None:
    assert derive_public_key(PARENT, 0, 7) == parse_extended_key(PARENT).child(0).child(7).point


@pytest.mark.parametrize("number", [-1, 2**31])
def test_a_hardened_child_of_a_public_key_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="no hardened children"):
        parse_extended_key(PARENT).child(number)


PRIVATE = (
    "xprv9s21ZrQH143K31xYSDQpPDxsXRTUcvj2iNHm5NUtrGiGG5e2DtALGdso"
    "3pGz6ssrdK4PFmM8NSpSBHNqPqm55Qn3LqFtT2emdEXVYsCzC2U"
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PARENT[:-1] + "C", "checksum"),
        (PARENT[:50] + "0" + PARENT[51:], "base58"),
        (PARENT + "1", "too long|checksum"),
        (PARENT * 2, "too long"),
        ("", "checksum"),
        (PRIVATE, "another version"),
    ],
)
def test_what_is_no_extended_public_key_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidExtendedKey, match=reason):
        parse_extended_key(text)
