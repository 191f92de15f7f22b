"""The section `encryption` of faust.yml."""

from app.settings_types import NonEmptyStr, Section


class EncryptionSection(Section, frozen=True):
    enabled: bool
    keys: str
    index_key: str
    kms_url: str
    kms_key: NonEmptyStr
    kms_token: str
