"""Why the chain refuses a transaction, in the words of TRON's own node."""


class RefusedError(Exception):
    """A transaction that is not taken. `code` and `prefix` are what broadcasting answers."""

    code = "OTHER_ERROR"
    java_class = "java.lang.Exception"
    prefix = "Error: "

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    @property
    def answer(self) -> str:
        """The message of a broadcast."""
        return self.prefix + self.text

    @property
    def thrown(self) -> str:
        """The value of the `Error` key that the other routes answer."""
        return f"class {self.java_class} : {self.text}"


class InvalidContractError(RefusedError):
    """The contract cannot be carried out."""

    code = "CONTRACT_VALIDATE_ERROR"
    java_class = "org.tron.core.exception.ContractValidateException"
    prefix = "Contract validate error : "


class InvalidSignatureError(RefusedError):
    """A signature is missing, broken or of a key that has no say."""

    code = "SIGERROR"
    java_class = "org.tron.core.exception.ValidateSignatureException"
    prefix = "Validate signature error: "


class _PlainError(RefusedError):
    """An error whose broadcast says the same every time."""

    sentence = ""

    @property
    def answer(self) -> str:
        """The sentence alone."""
        return self.sentence


class WrongReferenceError(_PlainError):
    """The reference block is none of this chain's."""

    code = "TAPOS_ERROR"
    java_class = "org.tron.core.exception.TaposException"
    sentence = "Tapos check error."


class ExpiredError(_PlainError):
    """It expired, or expires too late."""

    code = "TRANSACTION_EXPIRATION_ERROR"
    java_class = "org.tron.core.exception.TransactionExpirationException"
    sentence = "Transaction expired"


class DuplicateError(_PlainError):
    """It is on the chain or waits for its block."""

    code = "DUP_TRANSACTION_ERROR"
    java_class = "org.tron.core.exception.DupTransactionException"
    sentence = "Dup transaction."


class OutOfBandwidthError(_PlainError):
    """Neither bandwidth nor TRX is enough for its bytes."""

    code = "BANDWITH_ERROR"
    java_class = "org.tron.core.exception.AccountResourceInsufficientException"
    sentence = "Account resource insufficient error."


class TooBigError(_PlainError):
    """It is longer than 500 KiB."""

    code = "TOO_BIG_TRANSACTION_ERROR"
    java_class = "org.tron.core.exception.TooBigTransactionException"
    sentence = "Transaction size is too big."


class ServerBusyError(_PlainError):
    """Too many wait."""

    code = "SERVER_BUSY"
    sentence = "Server busy."


class BadInputError(RefusedError):
    """A request that cannot be read."""

    java_class = "org.tron.core.services.http.JsonFormat$ParseException"
