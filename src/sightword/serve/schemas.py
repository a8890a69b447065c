"""What goes over the wire: version 1 of the API, as types with examples."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = [
    "NOUNS",
    "EmbedRequest",
    "EmbedResponse",
    "Embedding",
    "Explanation",
    "HitOut",
    "IndexOut",
    "JobOut",
    "MethodOut",
    "MethodResult",
    "PictureOut",
    "Problem",
    "ReferenceOut",
    "SampleOut",
    "SearchRequest",
    "SearchResponse",
    "SessionRequest",
]

_INDEX = r"^[a-z0-9][a-z0-9-]{0,39}$"
_IMAGE = r"^[a-z0-9][a-z0-9-]{0,39}\.[0-9]{1,15}$"
_METHOD = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,60}(\+pdv)?(:[0-9]{1,4}(\.[0-9]{1,2})?)?$"
_JOB = r"^[0-9a-f]{32}$"

IndexId = Annotated[str, Field(pattern=_INDEX, examples=["holiday"])]
ImageId = Annotated[str, Field(pattern=_IMAGE, examples=["holiday.12"])]
MethodName = Annotated[str, Field(pattern=_METHOD, examples=["default", "weighted:0.3"])]
JobId = Annotated[str, Field(pattern=_JOB)]

NOUNS = {
    _INDEX: "the id of an index, such as holiday",
    _IMAGE: "the id of an indexed picture, such as holiday.12",
    _METHOD: "the name of a method, such as default or weighted:0.3",
    _JOB: "the id of a job",
}
"""What the patterns mean, for people."""
Words = Annotated[str, Field(min_length=1, max_length=500)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class SearchRequest(_In):
    """A composed query. Uploaded pictures come beside it as ``image`` and ``without_image`` files."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"images": ["holiday.12"], "text": "at night", "without": ["people"], "k": 12}]
        }
    )

    index: IndexId | None = Field(None, description="Which folder; the first one if left out.")
    images: list[ImageId] = Field([], max_length=8, description="Indexed pictures to start from.")
    text: str = Field("", max_length=2000, description="How the pictures should be changed.")
    without: list[Words] = Field([], max_length=8, description="What must not show, in words.")
    without_images: list[ImageId] = Field([], max_length=8, description="What must not show.")
    where: str | None = Field(
        None, max_length=2000, description="Filter.", examples=["taken >= 2024 and width > 1000"]
    )
    k: int = Field(30, ge=1, le=1000, description="How many pictures.")
    min_score: str | float | None = Field(
        None, description="Smallest score: a cosine, or standard deviations as in `2z`.", examples=["2z"]
    )
    methods: list[MethodName] = Field(
        ["default"], min_length=1, max_length=6, description="Each answers; see /v1/methods."
    )
    prompt: list[Annotated[str, Field(min_length=1, max_length=300)]] | None = Field(
        None, max_length=8, description='Templates such as "a drawing of {*}".'
    )
    balance: float | None = Field(
        None,
        ge=0,
        le=1,
        description="0 pulls towards the picture, 1 towards the words; 0.5 is the method's own.",
    )
    include_reference: bool = Field(False, description="Keep the reference itself.")
    fold: bool = Field(True, description="Show near-duplicates as one.")
    explain: bool = Field(False, description="Also say what the picture became in words.")

    @field_validator("min_score")
    @classmethod
    def _short(cls, value: str | float | None) -> str | float | None:
        if isinstance(value, str) and len(value) > 20:
            raise ValueError("a score is a number such as 0.3, or 2z")
        return value


class EmbedRequest(_In):
    """What to encode; uploaded pictures come beside it as ``image`` files."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"texts": ["a red boat"]}]})

    texts: list[Words] = Field([], max_length=32)
    images: list[ImageId] = Field([], max_length=32)
    normalise: bool = Field(True, description="Scale to unit length; raw features otherwise.")


class SessionRequest(_In):
    """A browser presents the key once, and gets a cookie that scripts cannot read."""

    key: str = Field(min_length=1, max_length=500)


class PictureOut(BaseModel):
    """One indexed picture."""

    id: ImageId
    index: str
    path: str = Field(description="Inside its folder.")
    path_b64: str | None = Field(None, description="The exact bytes, when the path is not UTF-8.")
    width: int
    height: int
    format: str
    size: int = Field(description="Bytes.")
    taken: datetime | None = Field(None, description="The camera's local time.")
    modified: float = Field(description="Seconds since 1970.")
    version: str = Field(description="Of the content; part of the thumbnail's address.")
    url: str | None = Field(None, description="Where it can be seen, if it is not on the server itself.")


class HitOut(PictureOut):
    """One picture that was found."""

    rank: int
    score: float = Field(description="Cosine; the method's own score where it ranks anew.")
    z: float = Field(description="Standard deviations above the folder's average for this query.")
    duplicates: list[str] = Field([], description="Paths of near-duplicates folded into this one.")


class ReferenceOut(BaseModel):
    """A picture of the query; `id` when it is in the index."""

    id: str | None = None


class Word(BaseModel):
    """A word and how near it is."""

    word: str
    cosine: float


class Pull(BaseModel):
    """How far one part of the query pulled."""

    cosine: float
    shift: float
    replaced: int


class Reranked(BaseModel):
    """How a method that looks at each candidate was asked."""

    first: str = Field(description="The method whose best pictures were ranked anew.")
    depth: int = Field(description="How many of them, at least.")


class Explanation(BaseModel):
    """What became of a query."""

    method: str
    words: list[list[Word]]
    prompts: list[str]
    picture: Pull | None
    text: Pull | None
    background: dict[str, float]
    reranked: Reranked | None = None
    hits: int


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    hint: str | None = None


class MethodResult(BaseModel):
    """What one method found."""

    method: str
    asked: str
    mean: float = Field(description="Average cosine of the folder's pictures with this query.")
    std: float
    seconds: float
    reranked: Reranked | None = Field(default=None, description="Of methods that look at each candidate.")
    hits: list[HitOut]
    explanation: Explanation | None = None
    error: Problem | None = Field(
        default=None, description="Why this method could not answer, while others that were asked could."
    )


class SearchResponse(BaseModel):
    """Answers of all methods, in the order asked."""

    index: str
    results: list[MethodResult]
    references: list[ReferenceOut]
    notes: list[str] = Field(description="Sentences for the person, such as words the model does not know.")
    pictures: int = Field(description="In the index.")
    complete: bool = Field(description="False while pictures are still being read.")


class Embedding(BaseModel):
    """One feature."""

    kind: Literal["text", "image"]
    vector: list[float]


class EmbedResponse(BaseModel):
    """Features, texts first, then indexed, then uploaded pictures."""

    backbone: str
    weights_hash: str
    dim: int
    normalised: bool
    embeddings: list[Embedding]


class MethodOut(BaseModel):
    """One way to compose."""

    name: str
    summary: str
    trained: bool
    default: bool
    words: bool = Field(description="Whether it makes a pseudo-word.")


class JobOut(BaseModel):
    """A refresh; `finished` means that everything it read is on the disk."""

    id: str
    index: str
    state: Literal["queued", "running", "finished", "stopped", "failed"]
    doing: str = ""
    found: int = Field(0, description="Files seen so far.")
    done: int = 0
    total: int | None = None
    report: dict[str, Any] | None = None
    error: str | None = None


class IndexOut(BaseModel):
    """One folder."""

    id: str
    name: str
    folder: str | None = Field(
        None,
        description="Only for people on the same machine; of an index without a folder milvus://HOST:PORT/NAME.",
    )
    pictures: int
    failed: int
    bytes: int
    backbone: str
    dim: int
    watched: bool
    folders: list[str]
    job: JobOut | None = None
    error: str | None = None


class SampleOut(BaseModel):
    """Pictures to start from."""

    pictures: list[PictureOut]
