"""What every command and function is told in the same words: which model, which images, how the work is done."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from vaekit.config import Config, Crop, Split

PixelRange = Literal["0,1", "-1,1", "imagenet"]


class ModelOptions(Config):
    """How to read a checkpoint that vaekit did not write; all unset for one that it did."""

    model: str | None = Field(None, description="The model's class as FILE.py:Class or package.module:Class.")
    model_args: dict[str, Any] | None = Field(None, description="Arguments of the class, by name.")
    encoder: str | None = Field(None, description="FILE.py:Class of the encoder, where the model is two modules.")
    decoder: str | None = Field(None, description="FILE.py:Class of the decoder, where the model is two modules.")
    adapter: str | None = Field(None, description="FILE.py with a subclass of vaekit.Adapter: encode and decode.")
    range: PixelRange | None = Field(None, description="Pixel values the network takes; none: measured.")
    trust_pickle: bool = Field(False, description="Unpickle the file although that runs whatever code it holds.")
    objective: Literal["sse", "mse", "bce", "gaussian"] | None = Field(
        None, description="Reconstruction term of the training loss, which no file says."
    )
    reduction: Literal["sum", "mean"] | None = Field(None, description="How that term was reduced over pixels.")
    beta: float | None = Field(None, ge=0, description="Weight of the KL term beside it.")

    @property
    def is_foreign(self) -> bool:
        """Whether the user says that another program wrote the checkpoint."""
        return any((self.model, self.encoder, self.decoder, self.adapter))


class EvaluationOptions(ModelOptions):
    """Everything an evaluation is made with; each of the commands that need one takes all of it."""

    data: str | None = Field(None, description="A dataset's name or a folder; none: what the model was trained with.")
    crop: Crop | None = Field(None, description="None: the model's own.")
    image_size: int | tuple[int, int] | None = Field(None, description="Side, or height and width; none: the model's.")
    limit: dict[Split, int] | None = Field(None, description="At most so many images of each split.")
    inception_weights: Path | None = Field(None, description="File of the network behind FID.")
    seed: int = Field(0, ge=0, description="Of posterior noise, samples, pictures and bootstrap.")
    device: str = Field("auto", description="auto, cpu, cuda or mps.")
    batch_size: int = Field(256, ge=1, description="Images at a time; results depend on it only by rounding.")
