"""Openly licensed weights that other people publish.

Listed is only what has a licence that lets anybody use, change and share it, and whose sha256 at
least two public projects wrote down that do not take it from each other. The licence is that of the
authors' repository, which they publish the weights under; what they were trained on has licences of
its own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublicWeights:
    """A weight file of other people.

    Attributes:
        name: What users type.
        file: Its name where it is published.
        url: Where it lies.
        sha256: Of the whole file.
        size: In bytes; None where nobody wrote it down.
        licence: Its SPDX name.
        what: What it is for, in a few words.
        scale: HR pixels per LR pixel.
        network: What kind it is, in the words of its authors.
        paper: Authors, title, venue, year.
    """

    name: str
    file: str
    url: str
    sha256: str
    size: int | None
    licence: str
    what: str
    scale: int
    network: str
    paper: str


_REAL_ESRGAN = (
    "Wang, Xie, Dong, Shan: Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure "
    "Synthetic Data, ICCV Workshops 2021"
)
_SWINIR = (
    "Liang, Cao, Sun, Zhang, Van Gool, Timofte: SwinIR: Image Restoration Using Swin Transformer, "
    "ICCV Workshops 2021"
)
_EDSR = (
    "Lim, Son, Kim, Nah, Lee: Enhanced Deep Residual Networks for Single Image Super-Resolution, "
    "CVPR Workshops 2017"
)


def _real_esrgan(
    name: str, place: str, sha256: str, size: int, what: str, *, scale: int = 4, network: str
) -> PublicWeights:
    return PublicWeights(
        name=name,
        file=place.rpartition("/")[2],
        url=f"https://github.com/xinntao/Real-ESRGAN/releases/download/{place}",
        sha256=sha256,
        size=size,
        licence="BSD-3-Clause",
        what=what,
        scale=scale,
        network=network,
        paper=_REAL_ESRGAN,
    )


def _swinir(
    name: str, file: str, sha256: str, size: int, what: str, *, scale: int
) -> PublicWeights:
    return PublicWeights(
        name=name,
        file=file,
        url=f"https://github.com/JingyunLiang/SwinIR/releases/download/v0.0/{file}",
        sha256=sha256,
        size=size,
        licence="Apache-2.0",
        what=what,
        scale=scale,
        network="SwinIR",
        paper=_SWINIR,
    )


def _edsr(name: str, file: str, sha256: str, what: str) -> PublicWeights:
    return PublicWeights(
        name=name,
        file=file,
        url=f"https://cv.snu.ac.kr/research/EDSR/models/{file}",
        sha256=sha256,
        size=None,
        licence="MIT",
        what=what,
        scale=4,
        network="EDSR",
        paper=_EDSR,
    )


PUBLIC: tuple[PublicWeights, ...] = (
    _real_esrgan(
        "realesrgan-x4plus",
        "v0.1.0/RealESRGAN_x4plus.pth",
        "4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1",
        67_040_989,
        "photos as they come: noise, blur, JPEG",
        network="RRDBNet",
    ),
    _real_esrgan(
        "realesrgan-x2plus",
        "v0.2.1/RealESRGAN_x2plus.pth",
        "49fafd45f8fd7aa8d31ab2a22d14d91b536c34494a5cfe31eb5d89c2fa266abb",
        67_061_725,
        "photos as they come, twice as large",
        scale=2,
        network="RRDBNet",
    ),
    _real_esrgan(
        "realesrgan-x4plus-anime",
        "v0.2.2.4/RealESRGAN_x4plus_anime_6B.pth",
        "f872d837d3c90ed2e05227bed711af5671a6fd1c9f7d7e91c911a61f155e99da",
        17_938_799,
        "drawings",
        network="RRDBNet, 6 blocks",
    ),
    _real_esrgan(
        "realesrnet-x4plus",
        "v0.1.1/RealESRNet_x4plus.pth",
        "a820b9bde89a874d7599d545567308ce6c128fc8754a53208eda016d40aa81df",
        67_040_989,
        "photos as they come; smooth, invents nothing",
        network="RRDBNet",
    ),
    _real_esrgan(
        "realesr-general-x4v3",
        "v0.2.5.0/realesr-general-x4v3.pth",
        "8dc7edb9ac80ccdc30c3a5dca6616509367f05fbc184ad95b731f05bece96292",
        4_885_111,
        "photos as they come, on slow machines",
        network="SRVGGNetCompact",
    ),
    _real_esrgan(
        "realesr-general-wdn-x4v3",
        "v0.2.5.0/realesr-general-wdn-x4v3.pth",
        "1641f8c4464b9f097c9fdda5589273713f67cf59f3d909e0bd688f0cee269dca",
        4_885_111,
        "the same, leaves more of the noise",
        network="SRVGGNetCompact",
    ),
    _real_esrgan(
        "realesr-animevideov3",
        "v0.2.5.0/realesr-animevideov3.pth",
        "b8a8376811077954d82ca3fcf476f1ac3da3e8a68a4f4d71363008000a18b75d",
        2_504_012,
        "drawn films",
        network="SRVGGNetCompact",
    ),
    PublicWeights(
        name="esrgan-x4",
        file="ESRGAN.pth",
        url="https://github.com/cszn/KAIR/releases/download/v1.0/ESRGAN.pth",
        sha256="65fece06e1ccb48853242aa972bdf00ad07a7dd8938d2dcbdf4221b59f6372ce",
        size=None,
        licence="Apache-2.0",
        what="clean photos, with invented texture",
        scale=4,
        network="RRDBNet",
        paper="Wang, Yu, Wu, Gu, Liu, Dong, Qiao, Loy: ESRGAN: Enhanced Super-Resolution "
        "Generative Adversarial Networks, ECCV Workshops 2018",
    ),
    PublicWeights(
        name="bsrgan-x4",
        file="BSRGAN.pth",
        url="https://github.com/cszn/KAIR/releases/download/v1.0/BSRGAN.pth",
        sha256="5d505a0766160921e0388d76e1ddf08cb114303990f9080432bf2b1c988b1c54",
        size=67_046_751,
        licence="Apache-2.0",
        what="photos as they come: noise, blur, JPEG",
        scale=4,
        network="RRDBNet",
        paper="Zhang, Liang, Van Gool, Timofte: Designing a Practical Degradation Model for Deep "
        "Blind Image Super-Resolution, ICCV 2021",
    ),
    _swinir(
        "swinir-s-x2",
        "002_lightweightSR_DIV2K_s64w8_SwinIR-S_x2.pth",
        "193b229909ca89cd8b55de9c9e7fce146ae759d59dfcd78d8feb9dd1d6fa0fd7",
        17_147_989,
        "clean photos; small",
        scale=2,
    ),
    _swinir(
        "swinir-s-x4",
        "002_lightweightSR_DIV2K_s64w8_SwinIR-S_x4.pth",
        "09fad24e32ae62722e1a055efde9921328f4137981bab0a42a4a3a806306c58e",
        17_225_941,
        "clean photos; small",
        scale=4,
    ),
    _swinir(
        "swinir-m-x2",
        "001_classicalSR_DF2K_s64w8_SwinIR-M_x2.pth",
        "2032ebf8f401dd3ce2fae5f3852117cb72101ec6ed8358faa64c2a3fa09ed4ac",
        67_277_475,
        "clean photos; as published in the tables",
        scale=2,
    ),
    _swinir(
        "swinir-m-x4",
        "001_classicalSR_DF2K_s64w8_SwinIR-M_x4.pth",
        "4e78e33f22c1aa8a773db0cf4a7381bae97c2362c717f155439ebc690cbd9215",
        67_869_037,
        "clean photos; as published in the tables",
        scale=4,
    ),
    _swinir(
        "swinir-real-m-x2",
        "003_realSR_BSRGAN_DFO_s64w8_SwinIR-M_x2_GAN.pth",
        "f397408977a3e07eb06afb7238d453a12ef35ebab7328a54241f307860dbe342",
        66_974_517,
        "photos as they come",
        scale=2,
    ),
    _swinir(
        "swinir-real-m-x4",
        "003_realSR_BSRGAN_DFO_s64w8_SwinIR-M_x4_GAN.pth",
        "b9afb61e65e04eb7f8aba5095d070bbe9af28df76acd0c9405aeb33b814bcfc6",
        67_129_861,
        "photos as they come",
        scale=4,
    ),
    _swinir(
        "swinir-real-m-x4-psnr",
        "003_realSR_BSRGAN_DFO_s64w8_SwinIR-M_x4_PSNR.pth",
        "1fd8fed99684bd271db55563e4906d36459cf535446820053f7a1081d4781dc5",
        67_129_849,
        "photos as they come; smooth, invents nothing",
        scale=4,
    ),
    _swinir(
        "swinir-real-l-x4",
        "003_realSR_BSRGAN_DFOWMFC_s64w8_SwinIR-L_x4_GAN.pth",
        "99adfa91350a84c99e946c1eb3d8fce34bc28f57d807b09dc8fe40a316328c0a",
        142_473_939,
        "photos as they come; slow",
        scale=4,
    ),
    _swinir(
        "swinir-real-l-x4-psnr",
        "003_realSR_BSRGAN_DFOWMFC_s64w8_SwinIR-L_x4_PSNR.pth",
        "450be6eac63a59959b55a83df6743444de9f018547f81d16f699b3680d366ad7",
        142_473_947,
        "photos as they come; slow, smooth, invents nothing",
        scale=4,
    ),
    _edsr(
        "edsr-baseline-x4",
        "edsr_baseline_x4-6b446fab.pt",
        "6b446fab734f4de74448d2fd1f3f990f5bae726e49dc7eff2ae9cefe444a1723",
        "clean photos; small",
    ),
    _edsr(
        "edsr-x4",
        "edsr_x4-4f62e9ef.pt",
        "4f62e9ef1a4ec6a7d3da4ed837116cec641e4e1566f98187151d813e83a0c1c8",
        "clean photos; as published in the tables",
    ),
)
