"""What customers write: short Portuguese sentences put together at random, with the untidiness of real ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lake.generator.draws import Dealer, Ints, Rng

MESSAGE_LIMIT, TITLE_LIMIT = 208, 26

# For unhappy, lukewarm and happy customers: openings, middles and endings.
_OPENINGS = [
    ["Péssima experiência", "Não recebi nada", "comprei e me arrependi", "Estou aguardando", "produto com defeito", "Que decepção",
     "Veio errado", "faltou uma peça", "Ninguém responde", "A caixa chegou amassada", "comprei dois e veio um", "Quero meu dinheiro",
     "Já passou do prazo", "produto diferente da foto", "Qualidade ruim", "Atraso enorme"],
    ["Razoável", "Produto mediano", "esperava mais", "Atende mais ou menos", "Veio certo", "a cor não é igual à foto", "Bom mas simples",
     "Material fraco", "Demorou um pouco", "embalagem podia ser melhor", "O tamanho é menor", "Dá para usar", "Nada demais"],
    ["Adorei", "Muito bom", "produto excelente", "Chegou rapidinho", "Amei a compra", "tudo perfeito", "Ótima qualidade", "Recomendo muito",
     "Entrega antes do combinado", "Gostei bastante", "Loja séria", "Superou o que eu esperava", "Bem embalado", "lindo demais",
     "Funciona direitinho", "Ótimo custo", "Minha mãe adorou", "Nota dez"],
]  # fmt: skip
_MIDDLES = [
    ["a loja não dá retorno", "o aparelho não liga", "o pedido consta como entregue", "mandei mensagem três vezes",
     "veio outra cor",
     "o tecido é muito fino", "o correio não achou o endereço", "a nota fiscal não veio", "a peça quebrou no primeiro dia",
     "só entregaram metade do pedido", "não é original", "o suporte sumiu", "o tamanho veio trocado", "tive que ligar várias vezes",
     "era presente e não chegou a tempo", "faltam os parafusos", "o vendedor stark não ajuda"],
    ["o preço compensa", "o acabamento deixa a desejar", "a entrega foi no prazo", "a montagem é difícil", "serve para o dia a dia",
     "o manual não explica", "chegou na última hora", "o cheiro é fraco", "achei um pouco caro", "a tampa não fecha bem",
     "faltou proteção na caixa", "uso há uma semana", "o vendedor baratheon respondeu"],
    ["chegou antes da data", "a cor é igual à foto",
     "o acabamento é caprichado", "o vendedor lannister foi atencioso", "veio tudo certinho",
     "compro de novo com certeza", "o tecido é macio", "a instalação foi fácil", "som limpo e alto", "meus filhos gostaram",
     "o perfume dura o dia todo", "encaixou perfeitamente", "o preço valeu a pena", "a loja avisou cada passo", "ficou ótimo na sala",
     "é a segunda vez que compro", "bateria dura bastante", "presente aprovado"],
]  # fmt: skip
_ENDINGS = [
    ["quero a troca", "não compro mais aqui",
     "aguardo solução", "vou cancelar", "que falta de respeito", "não recomendo", "espero resposta",
     "devolvam o valor", "nunca mais", "fiquei no prejuízo"],
    ["ok no geral", "podia melhorar",
     "talvez compre de novo", "vamos ver se dura", "pelo preço está bom", "três estrelas", "cumpre o papel"],
    ["recomendo", "parabéns à loja", "obrigada", "super indico", "voltarei a comprar", "nota 10", "estão de parabéns", "muito satisfeito",
     "valeu", "confiável", "sem reclamações"],
]  # fmt: skip
_TITLES = [
    ["Não recebi", "Péssimo", "não recomendo", "Defeito", "Atrasado", "Produto errado", "Decepção", "ruim", "Incompleto", "Cadê o pedido?"],
    ["Razoável", "regular", "Mais ou menos", "Bom", "Esperava mais", "ok", "Mediano"],
    ["Recomendo", "Excelente", "super recomendo", "Muito bom", "Ótimo", "Perfeito", "10", "Adorei", "Nota 10", "Bom produto", "ótima loja"],
]  # fmt: skip
_BREAKS = np.array([". ", ", ", " ", "! ", " e "])
_BREAK_SHARES = [0.32, 0.24, 0.34, 0.04, 0.06]
_LINE_BREAKS = np.array(["\r\n", "\r\n\r\n"])
_TAILS = np.array(["", ".", " ", "!", "...", "!!", "  "])
_TAIL_SHARES = [0.42, 0.22, 0.2, 0.08, 0.03, 0.03, 0.02]
_EMOJI = np.array([" 👏", " 😍", " 👍🏻", " 😡", " ❤️"])
_MESSAGE_SHARES = np.array([0.77, 0.68, 0.43, 0.31, 0.36])


class Writer:
    """Writes titles and messages to reviews with these scores; counts the rare oddities over all blocks."""

    def __init__(self) -> None:
        self._dealer = Dealer()

    def comments(self, rng: Rng, score: Ints) -> tuple[pa.Array, pa.Array]:
        """Titles and messages, null where the customer wrote none; not yet quoted."""
        n = len(score)
        mood = np.digitize(score, [3, 4])
        written = rng.random(n) < _MESSAGE_SHARES[score - 1]
        titled = rng.random(n) < np.where(written, 0.237, 0.0315)
        titles = _draw(rng, _TITLES, mood)
        messages = np.full(n, None, dtype=object)
        messages[written] = self._messages(rng, mood[written])
        message = pc.utf8_slice_codeunits(pa.array(messages, type=pa.string()), 0, MESSAGE_LIMIT)
        # The cut may fall inside a line break.
        message = pc.replace_substring_regex(message, "\r$", "")
        title = pc.utf8_slice_codeunits(pa.array(titles, mask=~titled, type=pa.string()), 0, TITLE_LIMIT)
        return title, message

    def _messages(self, rng: Rng, mood: Ints) -> np.ndarray:
        n, dealer = len(mood), self._dealer
        everyone = np.arange(n)
        message = _draw(rng, _OPENINGS, mood)
        first, second = _breaks(rng, n), _breaks(rng, n)
        lined = dealer.pick(rng, "lines", everyone, 0.094)
        first[lined] = rng.choice(_LINE_BREAKS, len(lined), p=[0.7, 0.3])
        longer = rng.random(n) < 0.78
        longer[lined] = True
        message[longer] += first[longer] + _draw(rng, _MIDDLES, mood)[longer]
        ended = longer & (rng.random(n) < 0.7)
        message[ended] += second[ended] + _draw(rng, _ENDINGS, mood)[ended]
        chatty = ended & (rng.random(n) < 0.6)
        third = _breaks(rng, n)
        message[chatty] += third[chatty] + _draw(rng, _MIDDLES, mood)[chatty] + ". " + _draw(rng, _OPENINGS, mood)[chatty]
        loud = np.flatnonzero(rng.random(n) < 0.06)
        message[loud] = [text.upper() for text in message[loud]]
        message += rng.choice(_TAILS, n, p=_TAIL_SHARES).astype(object)
        quoting = dealer.pick(rng, "quotes", everyone, 0.005)
        message[quoting] = 'Anunciaram como "original". ' + message[quoting]
        smiling = dealer.pick(rng, "emoji", everyone, 0.007)
        message[smiling] += rng.choice(_EMOJI, len(smiling)).astype(object)
        message[dealer.pick(rng, "blank", everyone, 6 / 8_890)] = "  "
        message[dealer.pick(rng, "no letters", everyone, 35 / 8_890)] = "10!!!"
        return message


def _draw(rng: Rng, pools: list[list[str]], mood: Ints) -> np.ndarray:
    """One text for each mood, from that mood's pool."""
    flat = np.array([text for pool in pools for text in pool], dtype=object)
    sizes = np.array([len(pool) for pool in pools])
    starts = np.cumsum(sizes) - sizes
    return flat[starts[mood] + (rng.random(len(mood)) * sizes[mood]).astype(np.int64)]


def _breaks(rng: Rng, n: int) -> np.ndarray:
    return rng.choice(_BREAKS, n, p=_BREAK_SHARES).astype(object)
