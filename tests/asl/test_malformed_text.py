from statebag.asl.intrinsic_calls import parse_call
from statebag.asl.json_paths import parse_json_path
from statebag.asl.malformed_text import MalformedError


def test_every_reader_of_texts_raises_the_same_error():
    for read, text in ((parse_json_path, "a.b"), (parse_json_path, "$.a["), (parse_call, "f()")):
        try:
            read(text)
        except MalformedError as error:
            assert isinstance(error, ValueError)
        else:
            raise AssertionError(text)
