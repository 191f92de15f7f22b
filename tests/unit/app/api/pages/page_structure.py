"""Reads a page as a browser does, and collects what is wrong with its structure."""

from html.parser import HTMLParser

VOID_ELEMENTS = frozenset({"meta", "input", "br", "hr", "img", "link"})
ELEMENTS = frozenset(
    ["html", "head", "title", "style", "body", "main", "h1", "p", "a", "form", "button", "fieldset", "legend", "label"]  # no script
)


class PageStructure(HTMLParser):
    """The elements of a page with their attributes and text. Raises AssertionError for elements that do not close or are not known."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.declaration = ""
        self.feed(page)
        self.close()
        assert not self._open, f"not closed: {self._open}"

    def handle_decl(self, decl: str) -> None:
        self.declaration = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ELEMENTS | VOID_ELEMENTS, f"unexpected element {tag}"
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice: {names}"
        assert not [name for name in names if name.startswith("on") or name == "style"], "no inline script or style"
        self.elements.append((tag, dict(attrs), tuple(self._open)))
        if tag not in VOID_ELEMENTS:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            self.texts.setdefault(self._open[-1], []).append(data.strip())

    def find_all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        """The attributes of the elements of this kind that have these."""
        found = [attrs for name, attrs, _ in self.elements if name == tag]
        return [attrs for attrs in found if all(attrs.get(name) == value for name, value in attributes.items())]

    def check_accessibility(self) -> None:
        """The language, a title, one heading, a main part, and a label for what can be filled in (WCAG 2.2: 1.3.1, 2.4.2, 3.1.1, 4.1.2)."""
        assert self.declaration.lower() == "doctype html"
        assert self.find_all("html")[0]["lang"]
        assert len(self.find_all("main")) == len(self.find_all("h1")) == 1
        assert self.texts["title"] == self.texts["h1"]
        assert "user-scalable" not in (self.find_all("meta", name="viewport")[0]["content"] or "")
        for tag, attrs, parents in self.elements:
            if tag == "input" and attrs["type"] != "hidden":
                assert "label" in parents, f"no label for {attrs}"
            if tag == "fieldset":
                assert self.texts["legend"]
        assert len(self.texts.get("button", [])) == len(self.find_all("button")), "a button without a text"
