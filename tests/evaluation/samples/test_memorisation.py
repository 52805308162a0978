import numpy as np

from vaekit.evaluation.samples.memorisation import memorisation


def faces(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 5))


def judged(samples: np.ndarray, seed: int = 0):
    return memorisation(samples[None], faces(300, 1)[None], faces(500, 2)[None], np.random.default_rng(seed))


def test_copies_are_found_and_named():
    train = faces(500, 2)
    near = train[:100] + 1e-3 * faces(100, 3)
    found = judged(np.concatenate([near, faces(200, 4)]))
    assert found.copies and found.sentence.startswith("Some samples look like copies")
    assert found.close.value > 0.3 and found.close.n == 300
    assert (found.rows[:, 0] == found.rows[:, 1]).all() and (np.diff(found.distances) >= 0).all()
    assert found.train_share > found.chance[1]


def test_fresh_faces_are_no_copies():
    found = [judged(faces(300, 10 + i), i) for i in range(20)]
    assert not any(f.copies for f in found)
    assert np.mean([f.nearer.low <= 0.5 <= f.nearer.high for f in found]) > 0.7  # the pool is shared: not quite 0.95
    assert 0.4 < np.mean([f.train_share for f in found]) < 0.6


def test_blur_is_no_copying():
    """Samples near the middle are near to every image, of test no less than of train."""
    found = judged(0.3 * faces(300, 5))
    assert found.nearer.value > 0.8
    assert not found.copies and found.sentence.startswith("No sign of memorised")


def test_one_face_for_every_draw_has_neighbours_by_chance():
    found = judged(np.tile(faces(1, 6), (300, 1)))
    assert found.train_share in (0.0, 1.0) and found.chance == (0.0, 1.0) and not found.copies


def test_equal_seeds_and_too_few_images():
    assert judged(faces(50, 7), 3).record() == judged(faces(50, 7), 3).record()
    assert "one has 4" in memorisation(
        faces(4, 0)[None], faces(30, 1)[None], faces(30, 2)[None], np.random.default_rng(0)
    )
