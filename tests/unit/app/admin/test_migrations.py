from alembic.script import ScriptDirectory

from app.admin.database import get_head_revision
from app.admin.migrations import build_alembic_config


def test_the_files_names_tell_the_newest_revision_as_alembic_does() -> None:
    assert get_head_revision() == ScriptDirectory.from_config(build_alembic_config()).get_current_head()
