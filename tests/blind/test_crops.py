"""Where pieces are cut: at edges, by seed and number alone, in pictures of any size."""

import torch

from superfine.blind.crops import Place, Places, at_least, gradient_map
from superfine.ops.resize import imresize


def lone_edge():
    picture = torch.zeros(3, 80, 100)
    picture[:, :40, 70:] = 1
    return picture


def places(weight, **changed):
    options = {"step": 2, "seed": 3, "stream": 1, "turned": True}
    return Places(weight, 16, **(options | changed))


def test_pieces_lie_about_edges():
    chosen = places(gradient_map(lone_edge()))
    middles = [(chosen[i].row + 8, chosen[i].column + 8) for i in range(60)]
    near = [
        (abs(column - 70) <= 8 and row <= 48) or (abs(row - 40) <= 8 and column >= 62)
        for row, column in middles
    ]
    assert all(near)
    assert len(set(middles)) > 10


def test_a_piece_is_a_pure_function_of_seed_and_number():
    weight = gradient_map(lone_edge())
    one, other = places(weight), places(weight)
    forwards = [one[i] for i in range(8)]
    assert [other[i] for i in reversed(range(8))] == forwards[::-1]
    assert [places(weight, seed=4)[i] for i in range(8)] != forwards
    assert [places(weight, stream=2)[i] for i in range(8)] != forwards
    assert all(place.row % 2 == 0 and place.column % 2 == 0 for place in forwards)


def test_pieces_are_turned_only_where_asked():
    weight = gradient_map(lone_edge())
    turns = {(p.flipped, p.transposed) for p in (places(weight)[i] for i in range(40))}
    assert len(turns) == 4
    still = (places(weight, turned=False)[i] for i in range(40))
    assert {(p.flipped, p.transposed) for p in still} == {(False, False)}


def test_one_place_means_the_same_in_a_smaller_and_a_larger_picture():
    picture = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    place = Place(16, 24, flipped=True, transposed=True)
    piece = place.cut(picture, 32)
    small = place.cut(imresize(picture, scale=0.5), 16, every=2)
    large = place.cut(imresize(picture, scale=2), 64, times=2)
    torch.testing.assert_close(imresize(piece, scale=0.5)[:, 4:-4, 4:-4], small[:, 4:-4, 4:-4])
    torch.testing.assert_close(imresize(piece, scale=2)[:, 8:-8, 8:-8], large[:, 8:-8, 8:-8])


def test_even_pictures_and_tiny_ones_have_pieces():
    even = gradient_map(torch.full((1, 20, 20), 0.3))
    assert {places(even)[i].row for i in range(30)} == {0, 2, 4}
    tiny = at_least(torch.rand(1, 3, 5), 16)
    assert tiny.shape == (1, 16, 16)
    torch.testing.assert_close(tiny[:, 3:6, :5], tiny[:, :3, :5].flip(1))
    assert places(gradient_map(tiny))[0].row == 0
