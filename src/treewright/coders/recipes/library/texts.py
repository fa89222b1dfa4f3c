# mypy: disable-error-code="misc, no-any-return"
"""Columns of written text."""

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from .folds import SEED


def add_text_statistics(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Add what can be counted in a text without understanding it."""
    text = table[column].fillna("").str
    letters, words = text.len(), text.count(r"\S+")
    return table.assign(
        **{
            f"{column}_letters": letters,
            f"{column}_words": words,
            f"{column}_word_length": letters / (words + 1),
            f"{column}_capitals": text.count(r"[A-Z]") / (letters + 1),
            f"{column}_marks": text.count(r"[^\w\s]") / (letters + 1),
            f"{column}_digits": text.count(r"\d") / (letters + 1),
        }
    )


def add_text_topics(table: pd.DataFrame, column: str, topics: int) -> pd.DataFrame:
    """Add the leading directions of the words' weights: what the text is about, in a few numbers."""
    weights = TfidfVectorizer(min_df=3, max_features=20_000, sublinear_tf=True).fit_transform(table[column].fillna(""))
    topics = min(topics, weights.shape[1] - 1)
    reduced = TruncatedSVD(topics, random_state=SEED).fit_transform(weights).astype(np.float32)
    return table.join(pd.DataFrame(reduced, index=table.index).add_prefix(f"{column}_topic"))


def add_scores(table: pd.DataFrame, scores: tuple[np.ndarray, np.ndarray]) -> pd.DataFrame:
    """Add what a model of the text alone predicts, for training rows by models that have not seen the row."""
    columns = pd.DataFrame(np.concatenate(scores), index=table.index).add_prefix("text_score_")
    return table.join(columns)


def join_texts(table: pd.DataFrame, columns: list[str]) -> pd.Series:
    """Read several columns as one text."""
    return table[columns].fillna("").agg(" ".join, axis=1)


WORD = r"\w+|[^\w\s]"  # marks count as words, they are a matter of style


def word_counts(texts: pd.Series) -> csr_matrix:
    """Tell which words and pairs of words occur in each text."""
    vectorizer = CountVectorizer(ngram_range=(1, 2), binary=True, token_pattern=WORD, dtype=np.float32)
    return vectorizer.fit_transform(texts)


def word_weights(texts: pd.Series) -> csr_matrix:
    """Weigh words and pairs of words by how rare they are."""
    return TfidfVectorizer(
        ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=WORD, dtype=np.float32
    ).fit_transform(texts)


def phrase_weights(texts: pd.Series) -> csr_matrix:
    """Weigh up to three words in a row, capitals and marks included, by how rare they are."""
    return TfidfVectorizer(
        ngram_range=(1, 3), lowercase=False, sublinear_tf=True, token_pattern=WORD, dtype=np.float32
    ).fit_transform(texts)


def letter_weights(texts: pd.Series) -> csr_matrix:
    """Weigh runs of letters within words by how rare they are: stems, endings, spellings."""
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True, dtype=np.float32)
    return vectorizer.fit_transform(texts)


def string_weights(texts: pd.Series) -> csr_matrix:
    """Weigh runs of characters, across words and with capitals, by how rare they are."""
    return TfidfVectorizer(
        analyzer="char", ngram_range=(1, 5), lowercase=False, min_df=3, sublinear_tf=True, dtype=np.float32
    ).fit_transform(texts)


class NaiveBayesLogistic(ClassifierMixin, BaseEstimator):
    """Logistic regression on words weighed by how much they speak for a class (Wang and Manning 2012)."""

    def __init__(self, strength: float = 1.0, alpha: float = 0.5) -> None:
        self.strength = strength
        self.alpha = alpha

    def fit(self, x: csr_matrix, y: np.ndarray) -> "NaiveBayesLogistic":
        """Fit one model for each class against the others."""
        self.classes_ = np.unique(y)
        self.models_ = []
        for label in self.classes_:
            inside = self.alpha + x[y == label].sum(axis=0)
            outside = self.alpha + x[y != label].sum(axis=0)
            ratio = np.asarray(np.log(inside / inside.sum()) - np.log(outside / outside.sum()))
            model = LogisticRegression(C=self.strength, solver="liblinear", dual=True, random_state=SEED)
            self.models_.append((ratio, model.fit(x.multiply(ratio).tocsr(), y == label)))
        return self

    def predict_proba(self, x: csr_matrix) -> np.ndarray:
        """Each class's probability, scaled to sum to one."""
        scores = [model.predict_proba(x.multiply(ratio).tocsr())[:, 1] for ratio, model in self.models_]
        chances = np.column_stack(scores)
        return chances / chances.sum(axis=1, keepdims=True)
