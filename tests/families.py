"""Toy models of five transformer families, with random weights and tokenizers trained on a few sentences.

Between them they have WordPiece, byte-level BPE and Unigram sub-words. Each is written as a Hugging Face
token-classification folder; PyTorch and transformers are imported only then.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

TAGS = ("O", "B-Organ", "I-Organ", "B-Drug", "I-Drug")
POSITIONS = 64
_VOCABULARY = 400
_CORPUS = (
    "The patient with type 2 diabetes was started on metformin 500 mg, and the heart was enlarged.",
    "Biopsy of the left kidney and of connective tissue showed no cocaine-induced damage.",
    "Paciente con inflamación del corazón; se administró ácido acetilsalicílico por dolor torácico.",
    "Il paziente ha assunto dell'aspirina per un'infezione del cuore; la caffè è più forte.",
    "De patiënt kreeg een ontsteking van de nieren, coëxistent met diabetes (CT/MRI).",
)
_BERT_TOKENS = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
_ROBERTA_TOKENS = {"cls": "<s>", "pad": "<pad>", "sep": "</s>", "unk": "<unk>"}
_SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": POSITIONS,
}
_ROBERTA_SIZES = {**_SIZES, "max_position_embeddings": POSITIONS + 2, "type_vocab_size": 1}
_DISTILBERT_SIZES = {
    "dim": 32,
    "hidden_dim": 48,
    "n_layers": 2,
    "n_heads": 4,
    "max_position_embeddings": POSITIONS,
}
_DEBERTA_SIZES = {
    **_SIZES,
    "type_vocab_size": 0,
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_buckets": 8,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "position_biased_input": False,
}
# what nmt_nfkc, the normaliser of SentencePiece, does to these texts
_NFKC = (normalizers.NFKC(), normalizers.Replace(Regex(r"\s"), " "), normalizers.Replace(Regex(" {2,}"), " "))


@dataclass(frozen=True)
class ToyFamily:
    """What sets a toy family apart from the others."""

    name: str
    config: str
    sizes: Mapping[str, Any]
    tokens: Mapping[str, str]
    subwords: Callable[["ToyFamily"], tuple[Any, Any]]
    pre_tokenizer: Any
    normalizer: Any = None

    def tokenizer(self):
        """Train the tokenizer."""
        model, trainer = self.subwords(self)
        tokenizer = Tokenizer(model)
        if self.normalizer is not None:
            tokenizer.normalizer = self.normalizer
        tokenizer.pre_tokenizer = self.pre_tokenizer
        tokenizer.train_from_iterator(_CORPUS * 3, trainer)
        first, last = ((token, tokenizer.token_to_id(token)) for token in (self.tokens["cls"], self.tokens["sep"]))
        processor = processors.RobertaProcessing if self.name == "roberta" else processors.BertProcessing
        tokenizer.post_processor = processor(last, first)
        return tokenizer

    def write(self, folder):
        """Write config.json, tokenizer.json and model.safetensors."""
        import torch
        import transformers

        tokenizer = self.tokenizer()
        config = getattr(transformers, self.config)(
            vocab_size=tokenizer.get_vocab_size(),
            pad_token_id=tokenizer.token_to_id(self.tokens["pad"]),
            id2label=dict(enumerate(TAGS)),
            label2id={tag: i for i, tag in enumerate(TAGS)},
            initializer_range=0.3,  # logits spread by more than any tolerance
            **self.sizes,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(7)
            network = transformers.AutoModelForTokenClassification.from_config(config)
        network.save_pretrained(folder)
        tokenizer.save(str(folder / "tokenizer.json"))
        return folder


def _options(family):
    return {"vocab_size": _VOCABULARY, "special_tokens": list(family.tokens.values()), "show_progress": False}


def _wordpiece(family):
    return models.WordPiece(unk_token=family.tokens["unk"]), trainers.WordPieceTrainer(**_options(family))


def _byte_bpe(family):
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return models.BPE(), trainers.BpeTrainer(initial_alphabet=alphabet, **_options(family))


def _unigram(family):
    return models.Unigram(), trainers.UnigramTrainer(unk_token=family.tokens["unk"], **_options(family))


TOY_FAMILIES = (
    ToyFamily(
        "bert",
        "BertConfig",
        _SIZES,
        _BERT_TOKENS,
        _wordpiece,
        pre_tokenizers.BertPreTokenizer(),
        normalizers.BertNormalizer(lowercase=True),
    ),
    ToyFamily(
        "roberta",
        "RobertaConfig",
        _ROBERTA_SIZES,
        _ROBERTA_TOKENS,
        _byte_bpe,
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    ),
    ToyFamily(
        "xlm-roberta",
        "XLMRobertaConfig",
        _ROBERTA_SIZES,
        _ROBERTA_TOKENS,
        _unigram,
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]),
        normalizers.Sequence(list(_NFKC)),
    ),
    ToyFamily(
        "distilbert",
        "DistilBertConfig",
        _DISTILBERT_SIZES,
        _BERT_TOKENS,
        _wordpiece,
        pre_tokenizers.BertPreTokenizer(),
        normalizers.BertNormalizer(lowercase=False, strip_accents=False),
    ),
    ToyFamily(
        "deberta-v2",
        "DebertaV2Config",
        _DEBERTA_SIZES,
        _BERT_TOKENS,
        _unigram,
        pre_tokenizers.Metaspace(),
        normalizers.Sequence([normalizers.Strip(), *_NFKC]),
    ),
)
_BERT, _ROBERTA, _XLM_ROBERTA, *_ = TOY_FAMILIES
RELATED_FAMILIES = {  # by model type; each with the tokenizer of one of those above
    "albert": replace(_BERT, config="AlbertConfig", sizes={**_SIZES, "embedding_size": 16}),
    "camembert": replace(_XLM_ROBERTA, config="CamembertConfig"),
    "convbert": replace(
        _BERT, config="ConvBertConfig", sizes={**_SIZES, "embedding_size": 32, "head_ratio": 2, "num_groups": 1}
    ),
    "deberta": replace(
        _ROBERTA,
        config="DebertaConfig",
        sizes={**_SIZES, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "type_vocab_size": 0},
    ),
    "electra": replace(_BERT, config="ElectraConfig", sizes={**_SIZES, "embedding_size": 32}),
    "ernie": replace(_BERT, config="ErnieConfig"),
    "modernbert": replace(_ROBERTA, config="ModernBertConfig", sizes=_SIZES),
    "mpnet": replace(_XLM_ROBERTA, config="MPNetConfig", sizes={**_SIZES, "max_position_embeddings": POSITIONS + 2}),
    "rembert": replace(
        _XLM_ROBERTA,
        config="RemBertConfig",
        sizes={**_SIZES, "input_embedding_size": 16, "output_embedding_size": 16},
    ),
}
