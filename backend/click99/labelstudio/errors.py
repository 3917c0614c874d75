"""What can go wrong between Label Studio and click99. Every message names thing, value and remedy."""

from __future__ import annotations


class LabelStudioError(Exception):
    """Base of all errors of this package.

    field: the part of the request or the setting that is wrong, as the caller knows it
    ("tasks[0].data.image", "label_config", "LABEL_STUDIO_API_KEY").
    problem: what is wrong with it, with the value. remedy: what to do about it.
    status: HTTP's, of the answer to a request that met it.
    """

    status = 422

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field}: {problem}. {remedy}")
        self.field = field
        self.problem = problem
        self.remedy = remedy


class PayloadError(LabelStudioError):
    """The request's body is not what Label Studio sends, or its parts contradict each other."""

    status = 400


class TooManyResultsError(PayloadError):
    """A task holds more than it may."""


class TooManyClicksError(PayloadError):
    """An object has more than it may."""


class LabelConfigError(LabelStudioError):
    """The project's label config lacks what interactive masks need."""


class BrushError(LabelStudioError):
    """A brush RLE does not decode to the image's size."""


class BitmaskError(LabelStudioError):
    """A bitmask region is no PNG of the image's size."""


class ImageError(LabelStudioError):
    """Base of what can be wrong with an image."""


class ImageNotAllowedError(ImageError):
    """The image's address is not one that click99 may fetch from."""


class ImageUnavailableError(ImageError):
    """The image's host does not answer, or answers with an error status."""


class ImageTooLargeError(ImageError):
    """The image has more bytes or more pixels than allowed."""


class ImageUnreadableError(ImageError):
    """The bytes are not an image, are cut short, or hold no pixels."""


class ApiError(LabelStudioError):
    """Label Studio's API is out of reach or refuses the request."""


class ApiMissingError(ApiError):
    """Label Studio does not have it, or not for this API key (404)."""


class ApiRefusedError(ApiError):
    """Label Studio refuses the API key (401 or 403)."""
