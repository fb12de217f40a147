"""The numbers of a tagger's recipe: how a transformer or a BiLSTM is trained, and how much vocabulary is kept."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class TrainingRecipe:
    """Hyper-parameters; sizes are in sub-words.

    Attributes:
        epochs: most passes over the training data.
        patience: epochs without a better dev score before it stops, where no mean of epochs is kept.
        batch_subwords: padded sub-words in a batch.
        learning_rate: peak, for the top layer of the encoder.
        head_learning_rate: peak, for the heads.
        layer_decay: factor on the learning rate per layer downwards.
        warmup: share of all steps before the peak.
        dropout: share of features dropped before the heads.
        attention_dropout: share of attention weights dropped; on a CPU it costs a third of the time.
        mask: share of sub-words replaced by the mask token, so that context has to be used.
        average: decay per step of the averaged weights that are judged and kept; 0 keeps the raw ones.
        mean_of_epochs: how many of the last epochs give the averaged weights whose mean is kept; 0: the best one alone.
        keep_start: share of the weights it starts from in those that are kept; the start has to have all heads.
        quantization_aware: whether the encoder's matrices are rounded in training as they are in the int8 graph.
        checkpoint_minutes: time between checkpoints within an epoch; there is one after each, too.
    """

    epochs: int = 10
    patience: int = 3
    batch_subwords: int = 2048
    learning_rate: float = 1e-4
    head_learning_rate: float = 1e-3
    layer_decay: float = 1.0
    weight_decay: float = 0.01
    warmup: float = 0.1
    dropout: float = 0.1
    attention_dropout: float = 0.0
    mask: float = 0.0
    average: float = 0.0
    mean_of_epochs: int = 0
    keep_start: float = 0.0
    quantization_aware: bool = False
    max_grad_norm: float = 1.0
    checkpoint_minutes: float = 5.0


@dataclass(frozen=True, kw_only=True)
class VocabularyRecipe:
    """How many sub-words of the checkpoint's vocabulary the model keeps.

    Attributes:
        size: pieces that occur in the train sets and in `texts` stay, and of the others as many as fit.
        texts: JSON-lines files below the data folder, whose `text` is read; never dev files.
    """

    size: int
    texts: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class BiLstmRecipe:
    """Sizes and hyper-parameters of a BiLSTM tagger; a recipe with the table `[bilstm]` trains one.

    Attributes:
        vectors: name or folder of the word vectors it reads.
        hidden: size of the LSTM, each way.
        character_dimension, filters: sizes of the convolution over characters.
        learning_rate, decay: the rate of epoch n, from 0, is learning_rate / (1 + decay * n).
        average: decay per step of the averaged weights that are judged and kept; 0 keeps the raw ones.
        batch_sentences: sentences in a batch.
    """

    vectors: str
    hidden: int = 128
    character_dimension: int = 25
    filters: int = 50
    dropout: float = 0.5
    epochs: int = 20
    learning_rate: float = 1e-3
    decay: float = 0.005
    average: float = 0.0
    batch_sentences: int = 8
    max_grad_norm: float = 5.0
