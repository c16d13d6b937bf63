import pytest

from statebag.asl.intrinsic_calls import parse_call
from statebag.asl.json_paths import parse_json_path
from statebag.asl.malformed_text import MalformedError


@pytest.mark.parametrize(
    ("read", "text"), [(parse_json_path, "a.b"), (parse_json_path, "$.a["), (parse_call, "f()")]
)
def test_every_reader_of_texts_raises_the_same_error(read, text):
    assert issubclass(MalformedError, ValueError)
    with pytest.raises(MalformedError):
        read(text)
