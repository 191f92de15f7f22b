"""Generates Python from a parsed part of a template: a function of the variables that returns its text.

Jinja2's own generator yields pieces. For short texts most of the time would go into its frames, its context and an object for each
escaped value.
"""

from typing import NoReturn

from jinja2 import TemplateError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.idtracking import VAR_LOAD_ALIAS, VAR_LOAD_RESOLVE, VAR_LOAD_UNDEFINED

RENAMED_SELF = "0self"  # the variable `self` in a parsed template; no other variable begins with a digit
MAX_OUTPUT_CHARACTERS = 64 * 1024
MAX_VALUES_BETWEEN_CHECKS = 4  # so that the text never grows far beyond its limit


class OutputTooLarge(TemplateError):
    """A part of a template renders to more than 64 Ki characters."""


def raise_output_too_large() -> NoReturn:
    """Raise OutputTooLarge; generated code calls this."""
    raise OutputTooLarge(f"the output is larger than {MAX_OUTPUT_CHARACTERS} characters")


class TextCodeGenerator(CodeGenerator):
    """Writes each run of text and at most four values as one `text += pattern % values`, each with a length check.

    `context` is the dict of the variables. Each value goes through the environment's `to_output`, except where no call is needed:
    in HTML a str is only escaped; in a text a str or int is left to `%s`.
    """

    loop_depth = 0  # of the node that is visited

    def write_commons(self) -> None:
        """Write the first lines of the function."""
        self.writeline("undefined, to_output, escape = environment.undefined, environment.to_output, environment.escape")
        self.writeline("cond_expr_undefined = Undefined")
        self.writeline("text = ''")

    def enter_frame(self, frame: Frame) -> None:
        """Bind each name: to a variable, to a name of an outer frame, or to nothing yet."""
        for target, (action, name) in frame.symbols.loads.items():
            if action == VAR_LOAD_RESOLVE:
                key = get_variable_name(name)
                self.writeline(f"{target} = context[{key!r}] if {key!r} in context else missing")
            elif action == VAR_LOAD_ALIAS:
                self.writeline(f"{target} = {name}")
            elif action == VAR_LOAD_UNDEFINED:
                self.writeline(f"{target} = missing")

    def leave_frame(self, frame: Frame, with_python_scope: bool = False) -> None:
        """Leave the frame; the outermost one returns the text."""
        super().leave_frame(frame, with_python_scope)
        if frame.rootlevel:
            self._write_length_check()
            self.writeline("return text")

    def visit_For(self, node: nodes.For, frame: Frame) -> None:
        """Write a loop."""
        self.loop_depth += 1
        super().visit_For(node, frame)
        self.loop_depth -= 1

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:
        """Write a run of text and values."""
        run: list[nodes.Expr] = []
        count = 0
        for child in node.nodes:
            count += not isinstance(child, nodes.TemplateData)
            if count > MAX_VALUES_BETWEEN_CHECKS:
                self._write_run(run, node, frame)
                run, count = [], 1
            run.append(child)
        self._write_run(run, node, frame)

    def _write_run(self, run: list[nodes.Expr], node: nodes.Output, frame: Frame) -> None:
        values = [child for child in run if not isinstance(child, nodes.TemplateData)]
        texts = [child.data if isinstance(child, nodes.TemplateData) else None for child in run]
        if values:
            pattern = "".join("%s" if text is None else text.replace("%", "%%") for text in texts)
            self.writeline(f"text += {pattern!r} % (", node)
            for value in values:
                self._write_value(value, frame)
            self.write(")")
        else:
            self.writeline(f"text += {''.join(filter(None, texts))!r}", node)
        if values or self.loop_depth:
            self._write_length_check()

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        """Write a concatenation of values as they print."""
        self.write("environment.concat_values((")
        for value in node.nodes:
            self.visit(value, frame)
            self.write(", ")
        self.write("))")

    def _write_value(self, value: nodes.Expr, frame: Frame) -> None:
        is_html = frame.eval_ctx.autoescape
        before, after = ("escape(v) if type(v := ", ") is str") if is_html else ("v if (t := type(v := ", ")) is str or t is int")
        self.write(f"({before}")
        self.visit(value, frame)
        self.write(f"{after} else to_output(v, {_get_name(value)!r})), ")

    def _write_length_check(self) -> None:
        self.writeline(f"if len(text) > {MAX_OUTPUT_CHARACTERS}: environment.raise_output_too_large()")


def get_variable_name(name: str) -> str:
    """The name of a variable as the template has it."""
    return "self" if name == RENAMED_SELF else name


def _get_name(expression: nodes.Node) -> str:
    """The name of a variable, `order.total`; empty for other expressions."""
    if isinstance(expression, nodes.Name):
        return get_variable_name(expression.name)
    if isinstance(expression, nodes.Getattr) and (name := _get_name(expression.node)):
        return f"{name}.{expression.attr}"
    return ""
