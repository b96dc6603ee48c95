"""What is asked of tokens is what web3's own encoder would ask, and is read as it would read it."""

import subprocess
import sys

import pytest
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from cloudpay_evm import erc20

ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def test_calls_are_encoded_as_the_abi_specification_says() -> None:
    assert bytes.fromhex(erc20.DECIMALS[2:]) == keccak(text="decimals()")[:4]
    asked = bytes.fromhex(erc20.balance_of(ADDRESS)[2:])
    assert asked == keccak(text="balanceOf(address)")[:4] + encode(["address"], [ADDRESS])


@pytest.mark.parametrize("amount", [0, 1, 10**18, 2**255, 2**256 - 1])
def test_numbers_are_decoded_as_the_abi_specification_says(amount: int) -> None:
    answer = encode(["uint256"], [amount])
    assert erc20.unsigned("0x" + answer.hex()) == decode(["uint256"], answer)[0] == amount


def test_where_no_contract_lives_there_is_no_number() -> None:
    assert erc20.unsigned("0x") is None


def test_a_watching_process_does_not_load_web3() -> None:
    script = "import sys, cloudpay_evm.adapter; sys.exit('web3' in sys.modules or 'eth_abi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
