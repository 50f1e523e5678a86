"""Writes src/learn/golden-metrics.json: figures of scikit-learn, SciPy, statsmodels and
cleanlab for small inputs.

    pip install -r scripts/golden-metrics/requirements.txt
    python scripts/golden-metrics/make_golden.py
    npx biome format --write src/learn/golden-metrics.json

Inputs are rounded to a few decimals so that the file stays small and both sides read the same numbers.
"""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
from cleanlab.filter import find_label_issues
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    precision_recall_fscore_support,
    roc_auc_score,
    roc_curve,
    top_k_accuracy_score,
)
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

TARGET = Path(__file__).parents[2] / "src/learn/golden-metrics.json"
MASK = 2**32 - 1


def classification_cases(random):
    """Scores that differ within a row, so that the order of equal scores plays no part."""
    for name, rows, columns, skill, absent in (
        ("balanced", 120, 6, 1.5, ()),
        ("a label without photos and one never predicted", 90, 5, 1.0, (3,)),
        ("two labels", 60, 2, 0.7, ()),
    ):
        known = [label for label in range(columns) if label not in absent]
        labels = random.choice(known, rows)
        scores = random.normal(size=(rows, columns)).round(3)
        scores[np.arange(rows), labels] += skill
        if absent:
            scores[:, 4] -= 50
        scores = (scores + np.arange(columns) * 1e-4).round(4)
        assert all(len(set(row)) == columns for row in scores)
        predicted = scores.argmax(axis=1)
        precision, recall, f1, photos = precision_recall_fscore_support(
            labels, predicted, labels=range(columns), zero_division=0
        )
        # With two labels scikit-learn wants one score a row, and asking for the top one is accuracy.
        tops = range(1, columns) if columns > 2 else ()
        yield {
            "name": name,
            "k": columns,
            "scores": scores.ravel().tolist(),
            "labels": labels.tolist(),
            "predicted": predicted.tolist(),
            "accuracy": accuracy_score(labels, predicted),
            "topK": [
                {
                    "top": top,
                    "accuracy": top_k_accuracy_score(labels, scores, k=top, labels=range(columns)),
                }
                for top in tops
            ],
            "precision": precision.tolist(),
            "recall": recall.tolist(),
            "f1": f1.tolist(),
            "photos": photos.tolist(),
            "macroF1": f1_score(
                labels, predicted, labels=sorted(set(labels)), average="macro", zero_division=0
            ),
        }


def temperature_cases(random):
    for name, rows, columns, stretch, flipped, weighted in (
        ("overconfident", 100, 5, 4.0, 0.1, False),
        ("underconfident", 100, 4, 0.2, 0.0, False),
        ("labels at random", 80, 3, 2.0, 1.0, False),
        ("two labels", 60, 2, 3.0, 0.1, False),
        ("with weights", 80, 4, 3.0, 0.1, True),
        ("far above all bounds of a float's exponential", 60, 3, 3000.0, 0.1, False),
    ):
        labels = random.integers(columns, size=rows)
        logits = random.normal(size=(rows, columns))
        logits[np.arange(rows), labels] += 2.5
        logits = (logits * stretch).round(4)
        moved = random.random(rows) < flipped
        labels[moved] = random.integers(columns, size=moved.sum())
        weights = random.uniform(0.1, 3, rows).round(3) if weighted else np.ones(rows)

        def loss(log_temperature):
            likelihood = log_softmax(logits / np.exp(log_temperature), axis=1)
            return -np.average(likelihood[np.arange(rows), labels], weights=weights)

        def slope(inverse):
            """Of the loss, in 1 / temperature."""
            shares = softmax(logits * inverse, axis=1)
            gaps = (shares * logits).sum(axis=1) - logits[np.arange(rows), labels]
            return np.average(gaps, weights=weights)

        found = minimize_scalar(
            loss,
            bounds=(np.log(0.05), np.log(20)),
            method="bounded",
            options={"xatol": 1e-12, "maxiter": 1000},
        )
        # A minimum is flat, so its place is known to half the digits only; the root of the slope to all.
        inside = slope(1 / 20) < 0 < slope(1 / 0.05)
        yield {
            "name": name,
            "k": columns,
            "logits": logits.ravel().tolist(),
            "labels": labels.tolist(),
            **({"weights": weights.tolist()} if weighted else {}),
            "minimum": float(np.exp(found.x)),
            "temperature": (
                1 / brentq(slope, 1 / 20, 1 / 0.05, xtol=1e-15, rtol=1e-15) if inside else 20.0
            ),
            "loss": float(found.fun),
            "losses": [
                {"temperature": temperature, "loss": float(loss(np.log(temperature)))}
                for temperature in (0.05, 0.7, 1.0, 3.0, 20.0)
            ],
        }


def auroc_cases(random):
    for name, known, unknown, decimals in (
        ("no ties", random.normal(0, 1, 70), random.normal(1, 1, 50), 6),
        ("many ties", random.normal(0, 1, 70), random.normal(1, 1, 50), 0),
        ("worse than chance", random.normal(1, 1, 40), random.normal(0, 1, 60), 2),
        ("apart", random.normal(0, 1, 20), random.normal(30, 1, 20), 3),
    ):
        known, unknown = known.round(decimals) + 0.0, unknown.round(decimals) + 0.0
        is_unknown = np.repeat([0, 1], [len(known), len(unknown)])
        scores = np.concatenate([known, unknown])
        false_positives, true_positives, _ = roc_curve(
            1 - is_unknown, -scores, drop_intermediate=False
        )
        yield {
            "name": name,
            "known": known.tolist(),
            "unknown": unknown.tolist(),
            "auroc": roc_auc_score(is_unknown, scores),
            "fprAtTpr": [
                {"tpr": tpr, "fpr": float(false_positives[true_positives >= tpr].min())}
                for tpr in (0.05, 0.5, 0.8, 0.9, 0.95, 1.0)
            ],
        }


def mcnemar_cases():
    for first, second in (
        (0, 0), (0, 1), (1, 1), (2, 1), (0, 10), (3, 17), (12, 12), (25, 40), (1, 200), (0, 1000),
        (480, 560), (4_900, 5_100), (49_500, 50_500), (50_000, 50_000), (49_999, 50_001), (45_000, 55_000),
    ):  # fmt: skip
        table = [[0, first], [second, 0]]
        yield {
            "onlyFirst": first,
            "onlySecond": second,
            "statsmodels": float(mcnemar(table, exact=True).pvalue),
            "wholeNumbers": exact_mcnemar(first, second),
        }


def exact_mcnemar(first, second):
    """The same p-value in whole numbers: statsmodels loses digits in far tails."""
    trials, fewer = first + second, min(first, second)
    coefficient = total = 1
    for successes in range(1, fewer + 1):
        coefficient = coefficient * (trials - successes + 1) // successes
        total += coefficient
    return float(min(Fraction(2 * total, 2**trials), Fraction(1)))


def wilson_cases():
    for correct, total in (
        (0, 1),
        (1, 1),
        (0, 50),
        (50, 50),
        (1, 3),
        (7, 10),
        (688, 1000),
        (9_999, 10_000),
        (123_456, 200_000),
    ):
        low, high = proportion_confint(correct, total, alpha=0.05, method="wilson")
        yield {"correct": correct, "total": total, "low": float(low), "high": float(high)}


def calibration_cases(random):
    """Guo et al.'s bins as they wrote them: score > lower bound and score <= upper bound."""
    for name, rows, bins in (
        ("15 bins", 150, 15),
        ("10 bins, scores on bounds", 100, 10),
        ("one bin", 20, 1),
    ):
        confidence = random.beta(5, 2, rows).round(1 if bins == 10 else 4)
        correct = random.random(rows) < confidence**2
        error = 0.0
        for index in range(bins):
            inside = (confidence > index / bins) & (confidence <= (index + 1) / bins)
            if inside.any():
                error += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
        yield {
            "name": name,
            "bins": bins,
            "confidence": confidence.tolist(),
            "correct": correct.astype(int).tolist(),
            "error": float(error),
        }


def label_error_cases(random):
    """Margins that all differ, so that the order of equal ones plays no part."""
    for name, rows, columns, distance in (
        ("labels apart", 100, 4, 4.0),
        ("labels that overlap", 100, 3, 2.0),
    ):
        truth = random.integers(columns, size=rows)
        logits = random.normal(size=(rows, columns))
        logits[np.arange(rows), truth] += distance
        probabilities = softmax(logits, axis=1).round(6)
        moved = random.random(rows) < 0.15
        labels = np.where(moved, (truth + 1) % columns, truth)
        found = find_label_issues(
            labels,
            probabilities,
            filter_by="confident_learning",
            return_indices_ranked_by="normalized_margin",
            n_jobs=1,
        )
        yield {
            "name": name,
            "k": columns,
            "probabilities": probabilities.ravel().tolist(),
            "labels": labels.tolist(),
            "rows": found.tolist(),
        }


def mix(state):
    """splitmix32's finaliser."""
    state ^= state >> 16
    state = state * 0x85EBCA6B & MASK
    state ^= state >> 13
    state = state * 0xC2B2AE35 & MASK
    return state ^ state >> 16


def random_cases():
    """sfc32 in whole numbers, after PractRand's sfc.h, for what 32-bit arithmetic in a double might get wrong."""
    for seed in (0, 1, 42, -1, 2**31, 2**32, 2**32 + 1, 2**53 - 1, -(2**53 - 1)):
        low, high = seed & MASK, (seed >> 32) & MASK
        first, second = (
            [mix(start + i * 0x9E3779B9 & MASK) for i in (1, 2)] for start in (low, high)
        )
        a, b, c, counter = first[0], second[0], first[1] + second[1] & MASK, 1
        outputs = []
        for _ in range(12 + 8):
            outputs.append(a + b + counter & MASK)
            counter = counter + 1 & MASK
            a, b, c = b ^ b >> 9, c + (c << 3) & MASK, (c << 21 | c >> 11) + outputs[-1] & MASK
        drawn = outputs[12:]
        yield {
            "seed": seed,
            "next": [
                ((high >> 5) * 2**26 + (low >> 6)) / 2**53
                for high, low in zip(drawn[::2], drawn[1::2])
            ],
        }


def main():
    random = np.random.default_rng(1)
    golden = {
        "classification": list(classification_cases(random)),
        "temperature": list(temperature_cases(random)),
        "auroc": list(auroc_cases(random)),
        "mcnemar": list(mcnemar_cases()),
        "wilson": list(wilson_cases()),
        "calibration": list(calibration_cases(random)),
        "labelErrors": list(label_error_cases(random)),
        "random": list(random_cases()),
    }
    TARGET.write_text(json.dumps(golden, default=float) + "\n")
    print(f"{TARGET.name}: {', '.join(f'{len(cases)} {name}' for name, cases in golden.items())}")


if __name__ == "__main__":
    main()
