"""The categories of the marketplace: public facts about the source's 73 categories and how their products look."""

from __future__ import annotations

from typing import NamedTuple

# name | English (empty: the translation lacks it) | products | items sold | median price | spread (log) | median grams
_CATEGORIES = """
cama_mesa_banho|bed_bath_table|3029|11115|79|.69|1275
beleza_saude|health_beauty|2444|9670|80|.97|400
esporte_lazer|sports_leisure|2867|8641|78|.84|700
moveis_decoracao|furniture_decor|2657|8334|65|.76|1300
informatica_acessorios|computers_accessories|1639|7827|82|.85|300
utilidades_domesticas|housewares|2335|6964|60|.90|1205
relogios_presentes|watches_gifts|1329|5991|129|.91|348
telefonia|telephony|1134|4545|30|.92|225
ferramentas_jardim|garden_tools|753|4347|60|.78|1650
automotivo|auto|1900|4235|85|1.02|900
brinquedos|toys|1411|4117|80|.80|800
cool_stuff|cool_stuff|789|3796|130|.86|1450
perfumaria|perfumery|868|3419|85|.93|400
bebes|baby|919|3065|78|.91|700
eletronicos|electronics|517|2767|22|.96|200
papelaria|stationery|849|2517|79|.78|1000
fashion_bolsas_e_acessorios|fashion_bags_accessories|849|2031|49|.73|200
pet_shop|pet_shop|719|1947|90|.80|875
moveis_escritorio|office_furniture|309|1691|145|.45|10975
consoles_games|consoles_games|317|1137|59|1.12|250
malas_acessorios|luggage_accessories|349|1092|100|.67|1250
construcao_ferramentas_construcao|construction_tools_construction|400|929|89|1.05|1200
eletrodomesticos|home_appliances|370|771|48|.99|475
instrumentos_musicais|musical_instruments|289|680|95|1.20|800
eletroportateis|small_appliances|231|679|99|1.26|1150
casa_construcao|home_construction|225|604|95|.87|900
livros_interesse_geral|books_general_interest|216|553|45|.86|500
alimentos|food|82|510|49|.64|330
moveis_sala|furniture_living_room|156|503|104|.71|7500
casa_conforto|home_confort|111|434|90|.75|1825
bebidas|drinks|81|379|47|.78|333
audio|audio|58|364|89|1.16|400
market_place|market_place|104|311|63|.82|527
construcao_ferramentas_iluminacao|construction_tools_lights|78|304|105|.87|1050
climatizacao|air_conditioning|124|297|140|.89|2950
moveis_cozinha_area_de_servico_jantar_e_jardim|kitchen_dining_laundry_garden_furniture|94|281|110|.87|6450
alimentos_bebidas|food_drink|104|278|39|.79|900
industria_comercio_e_negocios|industry_commerce_and_business|68|268|103|.64|6100
livros_tecnicos|books_technical|123|267|57|.72|850
telefonia_fixa|fixed_telephony|116|264|64|1.39|394
fashion_calcados|fashion_shoes|173|262|77|.67|850
eletrodomesticos_2|home_appliances_2|90|238|226|1.15|7500
construcao_ferramentas_jardim|costruction_tools_garden|88|238|49|.98|1300
agro_industria_e_comercio|agro_industry_and_commerce|74|212|259|1.40|2650
artes|art|55|209|98|.69|1700
pcs|computers|30|203|1100|.49|2800
sinalizacao_e_seguranca|signaling_and_security|93|199|75|1.16|575
construcao_ferramentas_seguranca|construction_tools_safety|91|194|126|1.01|600
artigos_de_natal|christmas_supplies|65|153|45|.98|600
fashion_roupa_masculina|fashion_male_clothing|95|132|60|.66|600
fashion_underwear_e_moda_praia|fashion_underwear_beach|53|131|60|1.01|200
moveis_quarto|furniture_bedroom|45|109|179|.94|10700
construcao_ferramentas_ferramentas|costruction_tools_tools|39|103|60|1.11|800
tablets_impressao_imagem|tablets_printing_image|9|83|99|.53|300
portateis_casa_forno_e_cafe|small_appliances_home_oven_and_coffee|31|76|587|1.44|3800
cine_foto|cine_photo|28|72|73|.99|400
dvds_blu_ray|dvds_blu_ray|48|64|20|1.09|200
livros_importados|books_imported|31|60|63|.68|675
fashion_roupa_feminina|fashio_female_clothing|27|48|49|.58|475
artigos_de_festas|party_supplies|26|43|68|1.03|1250
fraldas_higiene|diapers_and_hygiene|12|39|37|.42|600
moveis_colchao_e_estofado|furniture_mattress_and_upholstery|10|38|85|.51|1700
musica|music|27|38|55|1.39|550
flores|flowers|14|33|26|.48|850
casa_conforto_2|home_comfort_2|5|30|13|.70|700
fashion_esporte|fashion_sport|19|30|60|.55|200
artes_e_artesanato|arts_and_craftmanship|19|24|45|1.00|775
portateis_cozinha_e_preparadores_de_alimentos||10|15|35|1.65|1200
cds_dvds_musicais|cds_dvds_musicals|1|14|45|.18|550
la_cuisine|la_cuisine|10|14|137|.58|2450
pc_gamer||3|9|130|.29|2839
fashion_roupa_infanto_juvenil|fashion_childrens_clothes|5|8|70|.47|210
seguros_e_servicos|security_and_services|2|2|142|.43|812
"""


class Category(NamedTuple):
    """One category; price in BRL, spread is the standard deviation of its logarithm, weight in g."""

    name: str
    english: str
    products: int
    items: int
    price: float
    spread: float
    weight: float


def categories() -> list[Category]:
    """All 73 categories, and a last one without a name for products that have none."""
    rows = [line.split("|") for line in _CATEGORIES.strip().splitlines()]
    named = [
        Category(name, english, int(products), int(items), float(price), float(spread), float(weight))
        for name, english, products, items, price, spread, weight in rows
    ]
    return [*named, Category("", "", 610, 1603, 75.0, 0.9, 700.0)]
