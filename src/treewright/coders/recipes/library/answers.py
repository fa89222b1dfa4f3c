"""From predictions to the answer: blending, thresholds, scores."""

from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score, f1_score, root_mean_squared_error

from .fitting import fit_model
from .folds import SEED, Folds, predict_classes

Parts = list[tuple[np.ndarray, np.ndarray]]


def blend(parts: Parts, y: np.ndarray, loss: Callable[..., float]) -> tuple[np.ndarray, np.ndarray]:
    """Mix models by adding, again and again, the one that helps most (Caruana et al. 2004)."""
    mixed, picks = np.zeros_like(parts[0][0]), []
    for size in range(1, 26):
        losses = [loss(y, (mixed + held_out) / size) for held_out, _ in parts]
        picks.append(int(np.argmin(losses)))
        mixed = mixed + parts[picks[-1]][0]
    weights = np.bincount(picks, minlength=len(parts)) / len(picks)
    return (
        sum(weight * held_out for weight, (held_out, _) in zip(weights, parts, strict=True)),
        sum(weight * predicted for weight, (_, predicted) in zip(weights, parts, strict=True)),
    )


def stack(parts: Parts, y: np.ndarray, folds: Folds) -> tuple[np.ndarray, np.ndarray]:
    """Let a logistic regression read the models' log probabilities: it also mends their over-confidence."""
    held_out, predicted = (np.hstack([part[i] for part in parts]) for i in (0, 1))
    logs = np.log(np.vstack([held_out, predicted]).clip(1e-6))
    return predict_classes(fit_model, LogisticRegression(C=0.1, max_iter=1000), logs, y, folds)


def f1_macro(truth: np.ndarray, answer: np.ndarray) -> float:
    """F1, each class counting the same."""
    return float(f1_score(truth, answer, average="macro"))


def f1_micro(truth: np.ndarray, answer: np.ndarray) -> float:
    """F1 over all rows."""
    return float(f1_score(truth, answer, average="micro"))


def f1_weighted(truth: np.ndarray, answer: np.ndarray) -> float:
    """F1, each class counting by its rows."""
    return float(f1_score(truth, answer, average="weighted"))


def quadratic_kappa(truth: np.ndarray, answer: np.ndarray) -> float:
    """Agreement beyond chance, where a far miss counts more than a near one."""
    return float(cohen_kappa_score(truth, answer, weights="quadratic"))


def rmse_of_logs(truth: np.ndarray, answer: np.ndarray) -> float:
    """The error of the logarithms: what counts is by which factor the answer is wrong."""
    return float(root_mean_squared_error(np.log(truth), np.log(answer)))


def smape(truth: np.ndarray, answer: np.ndarray) -> float:
    """The error in percent of the mean of truth and answer."""
    return float(np.mean(200 * np.abs(answer - truth) / (np.abs(answer) + np.abs(truth)).clip(1e-12)))


def mean_over_classes(score: Callable[..., float], y: np.ndarray, chances: np.ndarray) -> float:
    """The mean, over the classes that occur, of how well a class's probabilities tell it from all others."""
    return float(np.mean([score(y == label, chances[:, label]) for label in np.unique(y)]))


def brier_of_classes(y: np.ndarray, chances: np.ndarray) -> float:
    """The squared distance of the probabilities from the truth."""
    return float(((chances - np.eye(chances.shape[1])[y]) ** 2).sum(axis=1).mean())


def tune_threshold(chances: np.ndarray, y: np.ndarray, score: Callable[..., float]) -> float:
    """Find the probability from which the second class is the better answer by this score."""
    shares = np.linspace(0.01, 0.99, 50)
    candidates = np.unique([np.quantile(chances[y == label, 1], shares) for label in (0, 1)])
    scores = [score(y, (chances[:, 1] >= threshold).astype(int)) for threshold in candidates]
    # The mean of the good ones is steadier than the very best, which owes some of its lead to chance.
    good = np.argsort(scores)[-5:]
    return float(candidates[good].mean())


def tune_weights(chances: np.ndarray, y: np.ndarray, score: Callable[..., float]) -> np.ndarray:
    """Find a factor for each class's probability that makes the most likely class the better answer by this score."""
    some = np.random.default_rng(SEED).permutation(len(y))[:20_000]  # more would not make the choice any better
    chances, y, weights = chances[some], y[some], np.ones(chances.shape[1])
    for _ in range(3):
        for label in range(len(weights)):
            trials = np.tile(weights, (21, 1))
            trials[:, label] *= np.geomspace(0.4, 2.5, 21)
            scores = [score(y, (chances * trial).argmax(axis=1)) for trial in trials]
            weights = trials[int(np.argmax(scores))]
    return weights
