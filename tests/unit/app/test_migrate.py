from alembic.script import ScriptDirectory

from app.database import newest
from app.migrate import config


def test_the_files_names_tell_the_newest_revision_as_alembic_does() -> None:
    assert newest() == ScriptDirectory.from_config(config()).get_current_head()
