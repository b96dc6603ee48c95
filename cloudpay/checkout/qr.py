"""QR codes of payment links, drawn when they are asked for."""

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qrcode.image.base import BaseImage

_MASK = 3  # a fixed mask spares the search for the best one: 4 ms instead of 12, and any reader copes
_BORDER = 4  # modules of quiet zone that ISO/IEC 18004 asks for


def draw_png(text: str) -> bytes:
    """Draw a QR code as PNG."""
    from qrcode.image.pure import PyPNGImage

    return _draw(text, PyPNGImage)


def draw_svg(text: str) -> bytes:
    """Draw a QR code as SVG."""
    from qrcode.image.svg import SvgPathImage

    return _draw(text, SvgPathImage)


def _draw(text: str, image: "type[BaseImage]") -> bytes:
    import qrcode  # with Pillow, 5 MB that most server processes never need

    code = qrcode.QRCode(
        error_correction=qrcode.ERROR_CORRECT_M,
        box_size=10,
        border=_BORDER,
        mask_pattern=_MASK,
        image_factory=image,
    )
    code.add_data(text)
    file = BytesIO()
    code.make_image().save(file)
    return file.getvalue()
