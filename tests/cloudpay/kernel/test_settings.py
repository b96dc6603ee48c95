from decimal import Decimal
from pathlib import Path

import pytest

from cloudpay.kernel.settings import InvalidSettings, Settings, load_settings


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path, text: str) -> Path:
    path = folder / "my.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_every_setting_has_its_default() -> None:
    assert load_settings(environment={}) == Settings()


def test_the_file_in_the_working_folder_is_read(empty_folder: Path) -> None:
    (empty_folder / "cloudpay.toml").write_text("[web]\nport = 9000\n")
    assert load_settings(environment={}).web.port == 9000


def test_the_file_that_a_variable_names_is_read_instead(empty_folder: Path) -> None:
    (empty_folder / "cloudpay.toml").write_text("[web]\nport = 9000\n")
    path = written(empty_folder, "[web]\nport = 9001\n")
    assert load_settings(environment={"CLOUDPAY_CONFIG": str(path)}).web.port == 9001


def test_a_variable_wins_over_the_file(empty_folder: Path) -> None:
    path = written(empty_folder, '[web]\nport = 9001\nhost = "0.0.0.0"\n')
    settings = load_settings(path, {"CLOUDPAY_WEB__PORT": "9002", "OTHER_WEB__PORT": "1"})
    assert (settings.web.port, settings.web.host) == (9002, "0.0.0.0")


def test_variables_read_numbers_truths_and_lists() -> None:
    settings = load_settings(
        environment={
            "CLOUDPAY_DATA_DIR": "/somewhere",
            "CLOUDPAY_WEBHOOKS__ALLOW_PRIVATE_TARGETS": "true",
            "CLOUDPAY_NETWORKS__EVM__RPC_URLS": "http://one , http://two,",
            "CLOUDPAY_RATES__FIXED__BTC": "65000.50",
        }
    )
    assert settings.data_path == Path("/somewhere")
    assert settings.webhooks.allow_private_targets is True
    assert settings.networks == {"evm": {"rpc_urls": ["http://one", "http://two"]}}
    assert settings.rates.prices == {"BTC": Decimal("65000.50")}


def test_variables_of_the_tests_are_no_settings() -> None:
    assert load_settings(environment={"CLOUDPAY_TEST_DATABASE_URL": "postgresql://x"}) == Settings()


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"CLOUDPAY_WEB__PROT": "1"}, "unknown field `prot` - at `$.web`"),
        ({"CLOUDPAY_COLOUR": "red"}, "unknown field `colour`"),
        ({"CLOUDPAY_WEB__PORT": "70000"}, "<= 65535 - at `$.web.port`"),
        ({"CLOUDPAY_WEB__PORT": "http"}, "`$.web.port`"),
        ({"CLOUDPAY_WEBHOOKS__ALLOW_PRIVATE_TARGETS": "maybe"}, "`$.webhooks.allow_private_targets`"),
        ({"CLOUDPAY_LOG__LEVEL": "loud"}, "'loud' - at `$.log.level`"),
        ({"CLOUDPAY_DATA_DIR__X": "1", "CLOUDPAY_DATA_DIR": "a"}, "inside 'data_dir', which is not a table"),
        ({"CLOUDPAY_NETWORKS__EVM__ASSETS__USDT__CONTRACT": "0x"}, "set assets in the configuration file"),
        ({"CLOUDPAY_CONFIG": "nowhere.toml"}, "nowhere.toml cannot be read: No such file"),
    ],
)
def test_a_bad_variable_stops_the_start_and_says_which(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        load_settings(environment=environment)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[web\n", "is not valid TOML"),
        ("[web]\nprot = 1\n", "unknown field `prot` - at `$.web`"),
        ('[web]\nport = "many"\n', "`$.web.port`"),
        ("web = 3\n", "`$.web`"),
        ('[aws_kms]\nendpoint_url = "http://kms.example"\n', "must begin with https://"),
        ("[rates.fixed]\nBTC = 65000.5\n", 'rates.fixed.BTC must be in quotes, as "65000.5"'),
        ('[rates.fixed]\nBTC = "-1"\n', "rates.fixed.BTC must be a positive decimal"),
        ('[rates.fixed]\nBTC = "0.00"\n', "rates.fixed.BTC must be a positive decimal"),
        ('[rates.fixed]\nBTC = "1e5"\n', "rates.fixed.BTC must be a positive decimal"),
        ('[rates.fixed]\nBTC = "NaN"\n', "rates.fixed.BTC must be a positive decimal"),
        ('[rates.fixed]\nBTC = ""\n', "rates.fixed.BTC must be a positive decimal"),
        ('[rates.fixed]\nBTC = "1"\nbtc = "2"\n', "rates.fixed.btc is there twice"),
    ],
)
def test_a_bad_file_stops_the_start_and_says_where(empty_folder: Path, text: str, sentence: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        load_settings(written(empty_folder, text), {})
    assert sentence in str(refused.value)


def test_a_file_that_is_not_text_is_refused(empty_folder: Path) -> None:
    path = empty_folder / "my.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidSettings, match="not valid TOML"):
        load_settings(path, {})


def test_whole_prices_need_no_quotes(empty_folder: Path) -> None:
    settings = load_settings(written(empty_folder, "[rates.fixed]\nbtc = 65000\n"), {})
    assert settings.rates.prices == {"BTC": Decimal(65000)}


def test_files_lie_in_the_data_folder_unless_set(empty_folder: Path) -> None:
    settings = Settings(data_dir="data")
    assert settings.sql_url == f"sqlite:///{empty_folder / 'data' / 'cloudpay.db'}"
    assert (settings.app_key_path, settings.seal_key_path) == (Path("data/app.key"), Path("data/seal.key"))
    elsewhere = Settings(database_url="postgresql://db/x", app_key_file="/a", seal_key_file="/s")
    assert elsewhere.sql_url == "postgresql://db/x"
    assert (elsewhere.app_key_path, elsewhere.seal_key_path) == (Path("/a"), Path("/s"))


def test_the_gateways_own_address_has_no_slash_at_its_end() -> None:
    assert (
        load_settings(environment={"CLOUDPAY_WEB__PUBLIC_URL": "https://pay.example/"}).web.url
        == "https://pay.example"
    )
    assert Settings().web.url == "http://127.0.0.1:8000"
