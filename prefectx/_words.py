"""Words of messages: counts with their nouns, and articles."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number with a noun, in the plural unless it is one.

    Example:
        >>> counted(1, "call"), counted(1200, "call")
        ('1 call', '1,200 calls')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def with_article(noun: str) -> str:
    """Return a noun with its indefinite article.

    Example:
        >>> with_article("int"), with_article("pandas.DataFrame"), with_article("uuid.UUID")
        ('an int', 'a pandas.DataFrame', 'a uuid.UUID')
    """
    return f"an {noun}" if noun.lstrip("_")[:1].lower() in "aeio" else f"a {noun}"


def command(verb: str, *words: str, root: str | None = None) -> str:
    """Return a command as a person types it.

    Args:
        verb: The command, such as `debug`.
        *words: Its arguments and options.
        root: The folder of the targets, unless it is the current one.
    """
    import shlex

    of_root = [] if root is None else ["--root", root]
    return shlex.join(["prefectx", verb, *words, *of_root])
