"""Templates: f-string bodies that name targets and runs."""

from __future__ import annotations

import collections
import datetime
import email.utils
import string
import xml.dom
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefectx import context, gcontext, get_run_logger, item, load, task, use_mode
from prefectx._calls.freshness import fast_hit
from prefectx.errors import PrefectxError, TemplateError
from prefectx.stores import Filestore

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_prefectx import Targets

pytestmark = [pytest.mark.prefectx("cache"), pytest.mark.usefixtures("tmp_target")]


def target_of(template: str, fn: Callable[..., object], *args: Any, **kwargs: Any) -> str:
    """Give the target of one call of `fn`, as a task with this template."""
    return task(target=template)(fn).item(*args, **kwargs).target


def one(x: object) -> object:
    return x


class TestArguments:
    def test_arguments_are_named_with_their_defaults(self) -> None:
        def f(a: int, b: str = "left") -> None: ...

        assert target_of("out/{a}/{b}", f, 1) == "out/1/left"
        assert target_of("out/{a}/{b}", f, 1, "right") == "out/1/right"
        assert target_of("out/{a}/{b}", f, b="right", a=1) == "out/1/right"

    def test_arguments_may_be_starred(self) -> None:
        def f(*args: int, **kwargs: int) -> None: ...

        template = "out/{args[0]}{len(args)}/{kwargs['z']}{sorted(kwargs)[0]}"
        assert target_of(template, f, 5, 6, z=1, b=2) == "out/52/1b"

    def test_arguments_may_be_positional_only_or_keyword_only(self) -> None:
        def f(a: int, b: int = 2, /, c: int = 3, *, d: int, e: int = 5) -> None: ...

        assert target_of("out/{a}{b}{c}{d}{e}", f, 1, d=4) == "out/12345"
        assert target_of("out/{a}{b}{c}{d}{e}", f, 1, 0, c=0, e=0, d=0) == "out/10000"

    def test_keyword_only_after_starred(self) -> None:
        def f(*args: int, flag: bool = False) -> None: ...

        assert target_of("out/{flag}{args}", f, 1, flag=True) == "out/True(1,)"

    def test_arguments_of_a_method_include_its_owner(self) -> None:
        class Parser:
            language = "de"

            @task(target="out/{self.language}/{page}")
            def parse(self, page: int) -> None: ...

            @classmethod
            @task(target="out/{cls.language}/{page}")
            def peek(cls, page: int) -> None: ...

        assert Parser().parse.item(3).target == "out/de/3"
        assert Parser.peek.item(3).target == "out/de/3"

    @pytest.mark.parametrize("name", ["id", "list", "str", "os", "datetime", "Path", "repr"])
    def test_arguments_named_like_builtins_or_modules_are_arguments(self, name: str) -> None:
        namespace: dict[str, Any] = {}
        exec(f"def f({name}, other=str): ...", namespace)  # noqa: S102 - code of our own making
        assert target_of(f"out/{{{name}}}", namespace["f"], "mine") == "out/mine"

    @pytest.mark.parametrize("name", ["base", "funcname", "taskname"])
    def test_arguments_named_like_house_names_are_arguments(self, name: str) -> None:
        namespace: dict[str, Any] = {}
        exec(f"def f({name}): ...", namespace)  # noqa: S102 - code of our own making
        assert target_of(f"out/{{{name}}}", namespace["f"], "mine") == "out/mine"
        with context(base="other"):
            assert target_of(f"out/{{{name}}}", namespace["f"], "mine") == "out/mine"

    @pytest.mark.parametrize(
        "name", ["_names", "_base", "_data", "_named", "_base_of_call", "compiled"]
    )
    def test_arguments_may_have_any_name(self, name: str) -> None:
        """What the compiled template needs beside the arguments must not get in their way."""
        namespace: dict[str, Any] = {}
        exec(f"def f({name}, x=1): ...", namespace)  # noqa: S102 - code of our own making
        assert target_of(f"out/{{{name}}}/{{x}}", namespace["f"], "mine") == "out/mine/1"
        with context(y=7):
            assert target_of("out/{base}/{y}", namespace["f"], "mine").endswith("/7")

    @pytest.mark.usefixtures("tmp_target")
    def test_arguments_that_are_items_are_loaded_when_named(self) -> None:
        Filestore().save("in/title", "moby-dick")
        fed = item("in/title")
        assert target_of("out/{x}", one, fed) == "out/moby-dick"
        assert target_of("out/{x.upper()}", one, fed) == "out/MOBY-DICK"

    @pytest.mark.usefixtures("tmp_target")
    def test_arguments_that_are_items_are_not_read_unless_named(self) -> None:
        assert target_of("out/{base}", one, item("in/nowhere")) == "out/nowhere"

    def test_arguments_that_are_positional_only_are_not_taken_by_name(self) -> None:
        def f(a: int, /) -> None: ...

        for template in ("out/{a}", "out/{base}"):
            with pytest.raises(TypeError, match="positional-only"):
                target_of(template, f, a=1)

    def test_wrong_ones_raise_as_python_does(self) -> None:
        def f(a: int, /, b: int, *, c: int = 0) -> None: ...

        for args, kwargs in [((), {}), ((1,), {}), ((1, 2, 3), {}), ((1,), {"b": 1, "z": 2})]:
            with pytest.raises(TypeError) as expected:
                f(*args, **kwargs)
            for template in ("out/{a}", "out/{base}", "out/constant", None):
                with pytest.raises(TypeError) as found, use_mode("cache"):
                    task(target=template)(f)(*args, **kwargs)
                assert str(found.value) == str(expected.value).replace(
                    f.__qualname__, found.value.args[0].partition("(")[0]
                )


class TestNames:
    @pytest.mark.usefixtures("tmp_target")
    @pytest.mark.parametrize("name", ["data", "names", "target", "context", "here"])
    def test_names_of_modules_may_be_any(self, name: str) -> None:
        module = ModuleType(name)
        vars(module)["version"] = "v3"
        plain = task(target=f"out/{{{name}.version}}/{{x}}", modules=[module])(lambda x: x)
        with use_mode("cache"):
            assert [plain(1).target, plain(1).target] == ["out/v3/1"] * 2
            hit = fast_hit(plain, (1,), {})
            assert hit is not None
            assert hit.target == "out/v3/1"

    def test_names_come_from_context(self) -> None:
        with context(day="monday", n=3):
            assert target_of("out/{day}/{n:02d}", one, 1) == "out/monday/03"
            with context(day="tuesday"):
                assert target_of("out/{day}/{n}", one, 1) == "out/tuesday/3"
            assert target_of("out/{day}", one, 1) == "out/monday"

    def test_names_come_from_gcontext_by_item_and_by_attribute(self) -> None:
        with context():
            gcontext["day"] = "monday"
            gcontext.path = "in/a.pdf"
            template = "out/{day}/{os.path.basename(path)}"
            assert target_of(template, one, 1) == "out/monday/a.pdf"

    def test_names_of_arguments_win_over_context(self) -> None:
        with context(x="other"):
            assert target_of("out/{x}", one, "mine") == "out/mine"

    def test_names_of_context_win_over_modules_and_builtins(self) -> None:
        with context(os="linux", max="high"):
            assert target_of("out/{os}/{max}", one, 1) == "out/linux/high"

    @pytest.mark.parametrize("name", ["funcname", "taskname"])
    def test_names_of_the_function(self, name: str) -> None:
        assert target_of(f"out/{{{name}}}/{{{name}[0]}}", one, 1) == "out/one/o"
        with context(**{name: "other"}):
            assert target_of(f"out/{{{name}}}", one, 1) == "out/one"

    def test_base_can_be_cut_and_transformed(self) -> None:
        with context(base="report-number-7"):
            assert target_of("out/{base}", one, 1) == "out/report-number-7"
            assert (
                target_of("out/{base[:6]}/{base.upper()}", one, 1) == "out/report/REPORT-NUMBER-7"
            )

    def test_base_comes_from_the_option(self) -> None:
        decorated = task(base="{x}-{funcname}", target="out/{base}.json")(one)
        assert decorated.item(5).target == "out/5-one.json"
        with context(base="given"):
            assert decorated.item(5).target == "out/given.json"

    def test_os_datetime_and_path_are_always_there(self) -> None:
        template = "out/{datetime.date(2024, 2, 29):%Y}/{Path(x).stem}/{os.path.splitext(x)[1]}"
        assert target_of(template, one, "in/a.pdf") == "out/2024/a/.pdf"

    def test_more_modules_on_request(self) -> None:
        decorated = task(target="out/{string.digits[x]}", modules=[string])(one)
        assert decorated.item(3).target == "out/3"
        with pytest.raises(TemplateError, match="uses the name 'string', which is not defined"):
            target_of("out/{string.digits[x]}", one, 3)

    def test_modules_of_packages_are_named_in_full(self) -> None:
        template = "out/{email.utils.quote(x)}{collections.OrderedDict.__name__}"
        decorated = task(target=template, modules=[email.utils, collections])(one)
        assert decorated.item("a").target == "out/aOrderedDict"
        decorated = task(target="out/{xml.dom.Node.TEXT_NODE}", modules=[xml.dom])(one)
        assert decorated.item("a").target == "out/3"

    def test_builtins_are_there(self) -> None:
        assert target_of("out/{len(x)}-{max(x)}", one, [3, 9]) == "out/2-9"

    def test_bound_by_comprehensions_are_their_own(self) -> None:
        assert target_of("out/{'-'.join(y for y in x)}", one, "abc") == "out/a-b-c"
        assert target_of("out/{'-'.join(x for x in x)}", one, "abc") == "out/a-b-c"
        assert target_of("out/{(lambda y: y + 1)(x)}", one, 1) == "out/2"
        assert target_of("out/{(y := x)}{y}", one, 1) == "out/11"

    def test_names_that_are_not_there_are_told_with_those_that_are(self) -> None:
        with context(day="monday"), pytest.raises(TemplateError) as caught:
            target_of("out/{dya}", one, 1)
        message = str(caught.value)
        assert (
            "target='out/{dya}' of task 'one' uses the name 'dya', which is not defined" in message
        )
        names = "base, funcname, taskname, os, datetime, Path"
        assert f"arguments: x; context: day; and {names}. Set it with context(dya=…)" in message

    def test_names_that_this_template_cannot_use_are_not_listed(self) -> None:
        decorated = task(base="{base}-x", modules=[string])(one)
        with pytest.raises(TemplateError) as caught:
            decorated.item(1)
        message = str(caught.value)
        assert "uses the name 'base', which is not defined" in message
        assert "context: none; and funcname, taskname, os, datetime, Path, string." in message


class TestText:
    def test_text_has_conversions_and_format_specs(self) -> None:
        assert target_of("out/{x!r:>5}", one, "a") == "out/  'a'"
        assert target_of("out/{x:.2f}", one, 1 / 3) == "out/0.33"
        assert target_of("out/{x:{len('abc')}d}", one, 7) == "out/  7"
        assert target_of("out/{x=}", one, 7) == "out/x=7"

    def test_text_has_nested_quotes(self) -> None:
        assert target_of("out/{x['a']}{x[\"b\"]}", one, {"a": 1, "b": 2}) == "out/12"
        assert target_of("out/'{x}'", one, 1) == "out/'1'"
        assert target_of('out/"{x}"', one, 1) == 'out/"1"'
        assert target_of("out/it's \"{x}", one, 1) == "out/it's \"1"

    def test_text_has_braces_and_backslashes(self) -> None:
        assert target_of("out/{{{x}}}", one, 1) == "out/{1}"
        assert target_of(r"out/a\nb{x}", one, 1) == r"out/a\nb1"

    def test_text_may_name_nothing(self) -> None:
        assert target_of("out/constant", one, 1) == "out/constant"

    @pytest.mark.parametrize("option", ["target", "base", "name"])
    @pytest.mark.parametrize(
        "text", ["out/{x", "out/}", "out/{}", "out/{x!z}", "out/{x +}", "{x}'\"'''\"\"\""]
    )
    def test_text_that_does_not_compile_is_refused_at_decoration(
        self, option: str, text: str
    ) -> None:
        options: Any = {option: text}
        with pytest.raises(TemplateError, match=f"{option}=.* of task 'one'"):
            task(one, **options)

    def test_text_cannot_break_out_of_its_quotes(self) -> None:
        for text in ["out/''' + x + '''", 'out/""" + x + """', "out/'''\"\"\"", "out/\\"]:
            try:
                assert target_of(text, one, 1) == text
            except TemplateError:
                continue

    def test_text_that_is_rendered_where_the_stack_is_full_is_not_blamed_for_it(self) -> None:
        class Endless:
            @property
            def name(self) -> str:
                return self.name

        with pytest.raises(RecursionError):
            target_of("out/{x.name}", one, Endless())

    def test_text_whose_expression_fails_says_which_and_why(self) -> None:
        with pytest.raises(TemplateError, match=r"target='out/\{x\.stem\}' of task 'one'.*'stem'"):
            target_of("out/{x.stem}", one, 1)
        with pytest.raises(TemplateError, match="KeyError: 'a'") as caught:
            target_of("out/{x['a']}", one, {})
        assert isinstance(caught.value.__cause__, KeyError)

    def test_errors_of_templates_are_value_errors_too(self) -> None:
        assert issubclass(TemplateError, ValueError)
        assert issubclass(TemplateError, PrefectxError)


class TestData:
    @pytest.mark.parametrize(
        "value", ["{x}", "{os.system('false')}", "{{", "}", "{", "%s", "{0}", "{__import__('os')}"]
    )
    def test_data_is_never_evaluated(self, value: str) -> None:
        assert target_of("out/{x}", one, value) == f"out/{value}"
        with context(day=value):
            assert target_of("out/{day}", one, 1) == f"out/{value}"
        decorated = task(base="{x}", target="out/{base}")(one)
        assert decorated.item(value).target == f"out/{value}"
        with context(base=value):
            assert target_of("out/{base}", one, 1) == f"out/{value}"

    @given(value=st.text(st.sampled_from("{}x!:'\"\\ab=[]"), min_size=1))
    @settings(deadline=None)
    def test_data_of_any_shape_is_itself(self, value: str) -> None:
        assert target_of("out/a{x}", one, value) == f"out/a{value}"

    @given(value=st.text(st.sampled_from("{}x!:'\"\\ab=[]./n0")))
    @settings(deadline=None)
    def test_data_that_is_used_as_a_template_compiles_or_is_refused(self, value: str) -> None:
        """A template never raises anything but a TemplateError at decoration."""
        try:
            decorated = task(target=value)(one)
        except TemplateError:
            return
        try:
            decorated.item(1)
        except PrefectxError:
            return


class TestRunNames:
    @pytest.mark.usefixtures("tmp_target")
    def test_run_names_are_rendered_with_the_loaded_arguments(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        Filestore().save("in/title", "moby-dick")

        @task(name="{funcname}_{x}_{base[:4]}")
        def shout(x: str) -> str:
            get_run_logger().warning("loud")
            return x

        with context(base="report-7"), use_mode("function"):
            shout(item("in/title"))
        (record,) = caplog.records
        assert record.__dict__["task_run_name"] == "shout_moby-dick_repo"
        assert record.__dict__["task_name"] == "shout"
        assert record.getMessage() == "loud"

    def test_run_names_are_free_of_the_rules_for_targets(self) -> None:
        @task(name="../{x}", target=None)
        def free(x: str) -> str:
            return x

        assert free("/a") == "/a"

    def test_run_names_that_cannot_be_rendered_stop_the_call(self) -> None:
        decorated = task(name="{nothing}", target=None)(one)
        with pytest.raises(TemplateError, match=r"name='\{nothing\}' of task 'one'"):
            decorated(1)


def test_a_template_is_looked_up_with_the_calls_context_not_the_decorations() -> None:
    with context(day="monday"):
        decorated = task(target="out/{day}")(one)
    with context(day="tuesday"):
        assert decorated.item(1).target == "out/tuesday"


def test_each_call_sees_the_time_it_is_made_at() -> None:
    decorated = task(target="out/{datetime.date.today():%Y}")(one)
    assert decorated.item(1).target == f"out/{datetime.datetime.now().astimezone():%Y}"


def test_paths_may_be_arguments() -> None:
    assert target_of("out/{x.name}", one, Path("in/a.pdf")) == "out/a.pdf"
    assert target_of("out/{x}", one, Path("in/a.pdf")) == "out/in/a.pdf"


def test_the_function_that_runs_sees_what_the_template_named(tmp_target: Targets) -> None:
    decorated = task(target="out/{x}")(one)
    assert load(decorated(7)) == 7
    assert tmp_target.items() == ["out/7"]


class TestGcontext:
    def test_gcontext_is_a_mapping_of_names(self) -> None:
        with context(a=1, b=2):
            assert set(gcontext) == {"a", "b"}
            assert len(gcontext) == 2
            assert "a" in gcontext
            assert gcontext["a"] == gcontext.a == 1
            del gcontext["a"]
            del gcontext.b
            assert len(gcontext) == 0
            assert repr(gcontext) == "gcontext({})"

    def test_gcontext_says_which_names_are_set(self) -> None:
        with context(a=1, b=2), pytest.raises(AttributeError, match=r"'c'\. .*: a, b"):
            _ = gcontext.c
        with context(a=1), pytest.raises(KeyError):
            _ = gcontext["c"]

    def test_gcontext_is_put_back_when_a_context_ends(self) -> None:
        with context(a=1):
            with context():
                gcontext["a"] = 2
                gcontext["b"] = 3
            assert gcontext["a"] == 1
            assert "b" not in gcontext
