"""Secrets: references that are safe to show, literals that are not shown at all."""

from __future__ import annotations

import base64
import copy
import json
import pickle

import attrs
import pytest

import wayhook as wh
from wayhook.secret import AccessToken, Base64, Credential, SecretText

CANARY = "canary-7f3a"
KEY = wh.secret("env:KEY")
LITERAL = wh.literal_secret(CANARY)


@pytest.mark.parametrize("source", ["env:SMS_KEY", "vault:kv/data/sms#key", "aws+sm:name with spaces", "x:y"])
def test_a_reference_names_a_scheme_and_a_place(source) -> None:
    """A scheme, a colon and a name make a reference, which shows itself as it is made."""
    reference = wh.secret(source)

    assert (reference.source, reference.label) == (source, source)
    assert repr(reference) == f"secret({source!r})"
    assert reference == wh.secret(source)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "env",
        "env:",
        ":KEY",
        "literal:KEY",
        "env:\ud800",
        "ENV:KEY",
        "env: KEY",
        "env:a\nb",
        "env::a",
        "1env:KEY",
        "é:KEY",
        None,
        7,
    ],
)
def test_what_is_no_reference_is_refused(source) -> None:
    """A text without scheme and name is refused, and so is what is no text."""
    with pytest.raises(wh.DefinitionError, match="env:NAME"):
        wh.secret(source)


@pytest.mark.parametrize("text", [CANARY, f"Bearer {CANARY}", f"{CANARY}\n", CANARY.encode()])
def test_a_refusal_does_not_repeat_the_text(text) -> None:
    """The text that was given may be the secret itself."""
    for make in (wh.secret, lambda given: wh.literal_secret([given])):
        with pytest.raises(wh.DefinitionError) as caught:
            make(text)
        assert CANARY not in f"{caught.value} {caught.value!r}"


def test_a_literal_secret_has_no_text_form() -> None:
    """No way of showing a value shows a literal secret."""
    shown = [repr(LITERAL), str(LITERAL), f"{LITERAL}", f"{LITERAL!r}", "%s" % (LITERAL,), LITERAL.label]  # noqa: UP031

    assert CANARY not in " ".join(shown)
    with pytest.raises(TypeError):
        json.dumps(LITERAL)
    with pytest.raises(TypeError):
        vars(LITERAL)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_literal_secret_does_not_pickle(protocol) -> None:
    """A literal secret leaves the process in no pickle; the refusal says what to use instead."""
    with pytest.raises(TypeError, match=r"wayhook\.secret") as caught:
        pickle.dumps({"key": LITERAL}, protocol)

    assert CANARY not in str(caught.value)


def test_a_reference_pickles_and_copies() -> None:
    """A reference is a plain value."""
    assert pickle.loads(pickle.dumps(KEY)) == copy.deepcopy(KEY) == KEY


def test_literal_secrets_compare_by_their_text() -> None:
    """Equal texts make equal secrets with equal hashes; a text alone is not equal to its secret."""
    assert wh.literal_secret(CANARY) == LITERAL
    assert hash(LITERAL) == hash(wh.literal_secret(CANARY))
    assert wh.literal_secret("other") != LITERAL
    assert LITERAL != CANARY


def test_a_literal_secret_is_revealed_to_who_asks() -> None:
    """Who writes the bytes gets the text."""
    assert LITERAL.reveal() == CANARY


@pytest.mark.parametrize(("value", "words"), [(None, "NoneType"), (b"x", "bytes"), (7, "int"), ("\ud800", "surrogate")])
def test_a_literal_secret_is_unicode_text(value, words) -> None:
    """What is no text is refused by its type, and text that cannot be written too."""
    with pytest.raises(wh.DefinitionError, match=words):
        wh.literal_secret(value)


def test_a_copy_is_the_same_secret() -> None:
    """Copying stays in the process: a definition and its call are copied with their literal secrets."""
    basic = wh.BasicAuthentication("joe", LITERAL)
    action = wh.Action(name="A", url_configuration=wh.UrlConfiguration("https://h.example"), authentication=basic)
    call = wh.preview(action)

    assert copy.copy(LITERAL) is copy.deepcopy(LITERAL) is LITERAL
    assert copy.deepcopy(action) == action
    assert copy.deepcopy(call).request({LITERAL: "x"}) == call.request({LITERAL: "x"})
    assert copy.deepcopy(call).secrets == (LITERAL,)


@pytest.mark.rule("R124")
def test_base64_joins_texts_and_secrets_before_it_encodes_them() -> None:
    """The form is that of RFC 4648 over UTF-8; the text around it stays as it is."""
    text = SecretText("Basic ", Base64("joé:", KEY), "!")

    assert text.reveal({KEY: "s3c"}) == f"Basic {base64.b64encode('joé:s3c'.encode()).decode()}!"
    assert (text.secrets, text.masked) == ((KEY,), "Basic joé:‹env:KEY›!")


@pytest.mark.rule("R124")
@pytest.mark.parametrize(
    ("make", "paths"),
    [
        (lambda: Base64(7, "a", None), ["$.parts[0]", "$.parts[2]"]),
        (lambda: Base64(Base64("a")), ["$.parts[0]"]),
        (lambda: Base64("\ud800"), ["$.parts[0]"]),
        (lambda: Base64("a", spelling="Base64"), ["$.spelling"]),
        (lambda: SecretText("a", 7, KEY, b"b"), ["$.parts[1]", "$.parts[3]"]),
        (lambda: SecretText("\ud800"), ["$.parts[0]"]),
        (lambda: SecretText(SecretText("a")), ["$.parts[0]"]),
    ],
)
def test_a_text_of_other_parts_is_refused(make, paths) -> None:
    """Every part that is no text, secret or Base64 is named by its place, without its value."""
    with pytest.raises(wh.DefinitionError) as caught:
        make()

    assert [violation.path for violation in caught.value.violations] == paths


@pytest.mark.rule("R134")
def test_a_text_with_a_secret_shows_and_pickles_no_literal() -> None:
    """Every form masks the literal, and what comes back from the pickle of a credential cannot be sent."""
    text = SecretText("Basic ", Base64("joe:", LITERAL), LITERAL)
    credential = Credential("header", "Authorization", text)

    back = pickle.loads(pickle.dumps(credential))

    assert CANARY not in f"{text!r} {text} {text.masked} {credential!r}"
    assert CANARY.encode() not in pickle.dumps(credential)
    assert back.text.masked == text.masked
    with pytest.raises(wh.SecretMissing, match="does not travel"):
        back.text.secrets[0].reveal()
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(text)


@pytest.mark.parametrize(
    ("credential", "masked", "revealed"),
    [
        (Credential("header", "X-Key", SecretText(KEY)), "‹env:KEY›", "s3c"),
        (Credential("header", "X-Key", SecretText(LITERAL)), "‹***›", CANARY),
        (Credential("header", "Authorization", SecretText("Bearer ", AccessToken())), "Bearer ‹token›", "Bearer t"),
        (
            Credential("header", "Authorization", SecretText("Basic ", Base64("joe", ":", KEY))),
            "Basic joe:‹env:KEY›",
            "Basic am9lOnMzYw==",
        ),
        (Credential("query", "plain", SecretText("a", "b")), "ab", "ab"),
    ],
)
def test_a_credential_is_masked_until_it_is_revealed(credential, masked, revealed) -> None:
    """The masked form has labels where the revealed one has texts; the rest is the same."""
    texts = {KEY: "s3c", LITERAL: CANARY, AccessToken(): "t"}

    assert credential.text.masked == masked
    assert credential.text.reveal(texts) == revealed


def test_a_credential_names_what_is_to_be_looked_up() -> None:
    """Secrets and the token are looked up, plain parts are not."""
    credential = Credential("header", "Authorization", SecretText("joe", KEY, LITERAL, AccessToken()))

    assert credential.text.secrets == (KEY, LITERAL, AccessToken())
    assert CANARY not in repr(credential)


def test_a_missing_text_is_an_error_of_who_sends() -> None:
    """A credential is never sent with a secret left out."""
    with pytest.raises(KeyError):
        Credential("header", "X-Key", SecretText(KEY)).text.reveal({})


def test_a_changed_definition_keeps_its_secret() -> None:
    """An evolved authentication holds the same secret, still without showing it."""
    basic = attrs.evolve(wh.BasicAuthentication("joe", LITERAL), username="jane")

    assert basic.password == LITERAL
    assert CANARY not in f"{basic!r} {attrs.asdict(basic)}"
