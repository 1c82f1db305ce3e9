"""Small real sounds: what a recording or a voicemail is."""

from __future__ import annotations

import io
import math
import struct
import wave

TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav"}
RATE_HZ = 8000
# MPEG 2 layer III, 32 kbit/s, 16 kHz, one channel: a frame is 576 samples in 144 bytes. All zeros
# after the header stand for silence.
MP3_FRAME = bytes.fromhex("fff348c0") + bytes(140)
MP3_FRAME_S = 576 / 16000


def make(kind: str, seconds: float) -> bytes:
    return _mp3(seconds) if kind == "mp3" else _wav(seconds)


def _mp3(seconds: float) -> bytes:
    return MP3_FRAME * max(1, round(seconds / MP3_FRAME_S))


def _wav(seconds: float) -> bytes:
    """A tone of 440 Hz."""
    count = int(seconds * RATE_HZ)
    tone = (int(8000 * math.sin(2 * math.pi * 440 * at / RATE_HZ)) for at in range(count))
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE_HZ)
        sound.writeframes(struct.pack(f"<{count}h", *tone))
    return written.getvalue()
