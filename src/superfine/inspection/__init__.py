"""What a network costs: multiplications, activations, parameters, memory and reach.

Convention. A MAC is one multiplication with its addition, in a convolution, a transposed
convolution (each input pixel times the whole kernel), a linear layer or a matrix product of
attention. Biases, activation functions, normalisation, pooling and the bicubic enlargement before
a network are not counted; a layer that is used many times counts every time. The result is 1280x720
pixels unless another size is asked for, the batch one picture, and the LR picture the smallest that
gives it: 427x240 at scale 3, so that the result is 1281x720. Activations are the values all
convolutions put out, as in the NTIRE challenges on efficient super-resolution. Memory is that of
all tensors there at one time in float32, as PyTorch runs the network; weights, the input and what
a convolution takes for itself are left out.

The network runs on tensors without memory: nothing is computed and nothing allocated. Only a
foreign network that cannot run so is computed, on a small picture, and a note says so.
"""

from __future__ import annotations

from superfine.inspection.cost import Inspection, Layer, inspect
from superfine.inspection.subject import Subject, subject

__all__ = ["Inspection", "Layer", "Subject", "inspect", "subject"]
