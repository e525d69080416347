"""Python's own unpickler with stand-ins for every class and function: what a pickle loads to, without running any of it."""

import pickle

ATOMS = (type(None), bool, int, float, str, bytes)


class StandIn:
    """An object of a class that is not there. Remembers all that is done to it."""

    def __init__(self, what):
        self.what = what
        self.done = []

    def __call__(self, *arguments):
        return StandIn(("call of", self, arguments))

    def append(self, value):
        self.done.append(("append", value))

    def extend(self, values):
        for value in values:
            self.append(value)

    def add(self, value):
        self.done.append(("add", value))

    def __setitem__(self, key, value):
        self.done.append(("item", (key, value)))

    def __setstate__(self, state):
        self.done.append(("state", state))


def name_of(module, name):
    """A class whose calls and instances are stand-ins, the same one for the same name."""

    def made(kind):
        def make(cls, *arguments, **keywords):
            instance = object.__new__(StandIn)
            instance.__init__((kind, module, name, arguments, tuple(sorted(keywords.items()))))
            # What a setter is called for is done to the object that it gets first.
            if kind == "call" and arguments and type(arguments[0]) is StandIn:
                arguments[0].done.append(("setter", (module, name, arguments[1:])))
            return instance

        return make

    class Meta(type):
        __call__ = made("call")

    return Meta(name, (), {"__new__": made("new"), "__module__": module})


class Unpickler(pickle._Unpickler):
    def __init__(self, file):
        super().__init__(file, encoding="bytes")
        self.names = {}

    def find_class(self, module, name):
        if self.proto < 3:
            from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

            if (module, name) in NAME_MAPPING:
                module, name = NAME_MAPPING[module, name]
            elif module in IMPORT_MAPPING:
                module = IMPORT_MAPPING[module]
        if (module, name) not in self.names:
            self.names[module, name] = name_of(module, name)
        return self.names[module, name]

    def persistent_load(self, pid):
        return StandIn(("persistent", pid))


# What libpod takes for values: they have no identity, so that sharing them says nothing.
VALUE_MODULES = {"datetime", "decimal", "fractions", "ipaddress", "uuid", "zoneinfo", "re", "_codecs"}


def outline(root):
    """A list of tokens: equal for graphs of the same content, order and sharing of objects."""
    tokens, numbers, keep, todo = [], {}, [], [root]

    def is_value(value, budget=64):
        if isinstance(value, ATOMS):
            return True
        if isinstance(value, (tuple, frozenset)) and len(value) < budget:
            return all(is_value(part, budget // 2) for part in value)
        if type(value) is not StandIn or value.what[0] == "call of":
            return False
        return (value.what[0] == "persistent" or value.what[1].split(".")[0] in VALUE_MODULES
                or (value.what[0] == "call" and len(value.what[3]) == 1 and isinstance(value.what[3][0], (int, str, type(None)))))

    while todo:
        value = todo.pop()
        if isinstance(value, Token):
            tokens.append(value.text)
            continue
        if isinstance(value, ATOMS):
            tokens.append(repr(value))
            continue
        if isinstance(value, type):
            tokens.append(f"name {value.__module__} {value.__name__}")
            continue
        if not is_value(value):
            if id(value) in numbers:
                tokens.append(f"again {numbers[id(value)]}")
                continue
            numbers[id(value)] = len(numbers)
            keep.append(value)
        todo.extend(reversed(pieces_of(value)))
    return tokens


def brief(value):
    """A text by which members of sets are ordered: content for atoms and tuples, class for objects."""
    if isinstance(value, ATOMS):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, (tuple, frozenset)):
        return f"{type(value).__name__} {sorted(map(brief, value)) if isinstance(value, frozenset) else list(map(brief, value))}"
    return f"object {value.what[:3]}" if type(value) is StandIn else f"name {value}"


def in_order(members):
    """The members by their brief text; of those that share one, the text alone, since nothing says which is which."""
    texts = [brief(member) for member in members]
    return [member if texts.count(text) == 1 else Token(text) for text, member in sorted(zip(texts, members, strict=True), key=lambda pair: pair[0])]


class Token:
    def __init__(self, text):
        self.text = text


def pieces_of(value):
    kind = type(value)
    if kind is StandIn:
        pieces = [Token(f"object {value.what[0]}")]
        for part in value.what[1:]:
            pieces.append(part)
        adds = in_order([done for act, done in value.done if act == "add"])
        for act, done in value.done:
            if act != "add":
                pieces += [Token(act), done]
        return pieces + adds + [Token("end")]
    if kind in (set, frozenset):
        return [Token(f"{kind.__name__} {len(value)}"), *in_order(value)]
    if kind is dict:
        pieces = [Token(f"dict {len(value)}")]
        for key, item in value.items():
            pieces += [key, item]
        return pieces
    if kind in (list, tuple):
        return [Token(f"{kind.__name__} {len(value)}"), *value]
    if kind is bytearray:
        return [Token(f"bytearray {bytes(value)!r}")]
    raise AssertionError(f"an unexpected {kind}")
