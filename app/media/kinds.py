"""What a file is, by its first bytes. Names, endings and a vendor's Content-Type lie."""

from __future__ import annotations

from dataclasses import dataclass

# So many bytes of a file's beginning are enough to tell.
HEAD_BYTES = 4096
MB = 1024 * 1024
MAX_BYTES = {"photo": 40 * MB, "video": 200 * MB, "audio": 200 * MB, "document": 25 * MB}
LARGEST_BYTES = max(MAX_BYTES.values())


@dataclass(frozen=True)
class Kind:
    """`kind` as the column media.kind has it."""

    kind: str
    mime: str
    extension: str

    @property
    def max_bytes(self) -> int:
        return MAX_BYTES[self.kind]


JPEG = Kind("photo", "image/jpeg", "jpg")
HEIC = Kind("photo", "image/heic", "heic")
AVIF = Kind("photo", "image/avif", "avif")
TIFF = Kind("photo", "image/tiff", "tif")
WEBP = Kind("photo", "image/webp", "webp")
MP4 = Kind("video", "video/mp4", "mp4")
MOV = Kind("video", "video/quicktime", "mov")
PHONE = Kind("video", "video/3gpp", "3gp")
MP4_SOUND = Kind("audio", "audio/mp4", "m4a")
PHONE_SOUND = Kind("audio", "audio/3gpp", "3gp")
WEBM = Kind("video", "video/webm", "webm")
WAV = Kind("audio", "audio/wav", "wav")
AVI = Kind("video", "video/x-msvideo", "avi")
MP3 = Kind("audio", "audio/mpeg", "mp3")
AAC = Kind("audio", "audio/aac", "aac")
TEXT = Kind("document", "text/plain", "txt")
VCARD = Kind("document", "text/vcard", "vcf")
CALENDAR = Kind("document", "text/calendar", "ics")
# The same container without a picture in it is a sound.
SOUNDS = {MP4: MP4_SOUND, MOV: MP4_SOUND, PHONE: PHONE_SOUND}
# No browser but Safari shows these: they get a JPEG copy.
NEEDS_COPY = (HEIC, TIFF)

BEGINNINGS = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", Kind("photo", "image/png", "png")),
    (b"GIF87a", Kind("photo", "image/gif", "gif")),
    (b"GIF89a", Kind("photo", "image/gif", "gif")),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"\x1aE\xdf\xa3", WEBM),
    (b"OggS", Kind("audio", "audio/ogg", "ogg")),
    (b"fLaC", Kind("audio", "audio/flac", "flac")),
    (b"#!AMR", Kind("audio", "audio/amr", "amr")),
    (b"ID3", MP3),
    (b"%PDF-", Kind("document", "application/pdf", "pdf")),
)
RIFFS = {b"WEBP": WEBP, b"WAVE": WAV, b"AVI ": AVI}
# ISO base media (ISO/IEC 14496-12): the brand after `ftyp`.
BRANDS = (
    ((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), HEIC),
    ((b"avif", b"avis"), AVIF),
    ((b"qt  ",), MOV),
    ((b"M4A ", b"M4B "), MP4_SOUND),
    ((b"3g",), PHONE),
    ((b"mp4", b"iso", b"avc", b"M4V", b"MSNV", b"dash", b"f4v"), MP4),
)
# Two bytes of the first frame: sync, version, layer. (ISO/IEC 11172-3, 13818-7)
MP3_FRAMES = (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xe3")
AAC_FRAMES = (b"\xff\xf1", b"\xff\xf9")
CARDS = ((b"BEGIN:VCARD", VCARD), (b"BEGIN:VCALENDAR", CALENDAR))
# Of plain text these bytes only, of those below the blank.
CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r\x0c")


def kind_of(head: bytes) -> Kind | None:
    """None for what we do not take. `head` is the beginning, HEAD_BYTES of it if there are."""
    for beginning, kind in BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    if head[:4] == b"RIFF":
        return RIFFS.get(head[8:12])
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return Kind("photo", "image/bmp", "bmp")
    if head[:2] in MP3_FRAMES:
        return MP3
    return AAC if head[:2] in AAC_FRAMES else _text(head)


def _by_brand(head: bytes) -> Kind | None:
    size = int.from_bytes(head[:4], "big")
    # `mif1` and `msf1` say only that it is a picture; the brands it is compatible with say which.
    names = [head[8:12], *(head[at : at + 4] for at in range(16, min(size, len(head)), 4))]
    general = (b"mif1", b"msf1")
    for name in (*(each for each in names if each not in general), *names):
        for beginnings, kind in BRANDS:
            if name.startswith(beginnings):
                return kind
    return None


def _text(head: bytes) -> Kind | None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for beginning, kind in CARDS:
        if start[: len(beginning)].upper() == beginning:
            return kind
    # Markup and scripts could run in a browser that opens them.
    if not start or start.startswith((b"<", b"#!")) or CONTROLS & set(head):
        return None
    try:
        # A sign of several bytes may be cut at the end of the head.
        head[:-4].decode() if len(head) == HEAD_BYTES else head.decode()
    except UnicodeDecodeError as error:
        return TEXT if len(head) == HEAD_BYTES and error.start >= len(head) - 8 else None
    return TEXT
