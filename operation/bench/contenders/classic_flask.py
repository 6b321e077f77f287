# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = [
#     "flask>=3.1",
#     "joblib>=1.5",
#     "nltk>=3.9",
#     "scikit-learn>=1.8",
# ]
# ///
"""The classic: one Flask file on Flask's own server; regex, Porter stemming and stop words, then a dense vector."""

import os
import re
from pathlib import Path

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from nltk.stem.porter import PorterStemmer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

app = Flask(__name__)
stemmer = PorterStemmer()
LETTERS_ONLY = re.compile("[^a-zA-Z]")
STOP_WORDS = frozenset(
    "i me my we our you he she it they this that is are was be a an the and or of at by in on to".split()
)


def clean(text: str) -> str:
    words = LETTERS_ONLY.sub(" ", text).lower().split()
    return " ".join(stemmer.stem(word) for word in words if word not in STOP_WORDS)


rows = [line.rsplit("\t", 1) for line in Path(os.environ["BENCH_REVIEWS"]).read_text(encoding="utf-8").splitlines()[1:]]
vectorizer = CountVectorizer(max_features=1420)
features = vectorizer.fit_transform([clean(text) for text, _ in rows]).toarray()
classifier = LogisticRegression(max_iter=1000).fit(features, [int(liked) for _, liked in rows])


def positive(texts: list[str]) -> list[float]:
    return classifier.predict_proba(vectorizer.transform([clean(text) for text in texts]).toarray())[:, 1].tolist()


@app.post("/predict")
def predict() -> ResponseReturnValue:
    return jsonify(positive=positive([request.get_json()["text"]])[0])


@app.post("/predict-many")
def predict_many() -> ResponseReturnValue:
    return jsonify(positive=positive(request.get_json()["texts"]))


if __name__ == "__main__":
    app.run(port=int(os.environ["BENCH_PORT"]), threaded=True)
