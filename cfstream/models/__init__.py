"""The attrs classes the service's answers become, and the keyword sets its calls take."""

from cfstream._types import Secret
from cfstream.models.access import AccessRule, Token, TokenCreateParams, TokenFlags
from cfstream.models.media import Caption, CaptionFile, Watermark, WatermarkCreateParams, WatermarkPosition
from cfstream.models.video import (
    Playback,
    PublicDetails,
    PublicDetailsParams,
    StorageUsage,
    StorageUsageParams,
    StreamCreateParams,
    StreamEditParams,
    StreamListParams,
    TusUpload,
    UploadParams,
    UploadProgress,
    Video,
    VideoInput,
    VideoState,
    VideoStatus,
)

__all__ = [
    "AccessRule",
    "Caption",
    "CaptionFile",
    "Playback",
    "PublicDetails",
    "PublicDetailsParams",
    "Secret",
    "StorageUsage",
    "StorageUsageParams",
    "StreamCreateParams",
    "StreamEditParams",
    "StreamListParams",
    "Token",
    "TokenCreateParams",
    "TokenFlags",
    "TusUpload",
    "UploadParams",
    "UploadProgress",
    "Video",
    "VideoInput",
    "VideoState",
    "VideoStatus",
    "Watermark",
    "WatermarkCreateParams",
    "WatermarkPosition",
]
