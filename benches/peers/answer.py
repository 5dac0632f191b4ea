"""The form of an answer: what every peer was asked, as JSON for the benchmark to compare."""

import json
import sys
from dataclasses import dataclass

STAGES = {
    "brand_awareness": ["impression", "click"],
    "product_understanding": ["product_view", "search"],
    "purchase_decision": ["add_to_cart", "checkout", "purchase"],
    "product_experience": ["delivery", "app_open"],
    "after_sales_service": ["support_contact", "return_request"],
    "loyalty": ["referral", "review"],
}


@dataclass
class Question:
    """What to read, how, and where to put the answer."""

    warehouse: str
    from_us: int
    to_us: int
    threads: int
    answer: str

    @classmethod
    def of_arguments(cls, arguments):
        warehouse, from_us, to_us, threads, answer = arguments
        return cls(warehouse, int(from_us), int(to_us), int(threads), answer)

    @property
    def touchpoints(self):
        return f"{self.warehouse}/touchpoints/*/*.parquet"

    @property
    def suppress(self):
        return f"{self.warehouse}/suppress.parquet"


def question():
    """The question on the command line, for a peer without a query file."""
    return Question.of_arguments(sys.argv[1:])


def write(question, version, credit, markov, channel_sets, stage_steps):
    """Writes an answer. Value is in minor units.

    credit: channel, touches, then credit under the five models, then value under them.
    markov: from, to, transitions; `(start)`, `(conversion)` and `(null)` are the ends.
    channel_sets: list of channels, conversions, value.
    stage_steps: from, to, transitions; `(start)` and `(exit)` are the ends.
    """
    answer = {
        "version": version,
        "credit": [[row[0], row[1], row[2:7], row[7:12]] for row in credit],
        "markov": list(markov),
        "channel_sets": list(channel_sets),
        "stage_steps": list(stage_steps),
    }
    with open(question.answer, "w", encoding="utf-8") as file:
        json.dump(answer, file)
