"""全国医保定点医药机构接口基线: envelope, field tables, transactions. PURE: text in, values out.

Not here: sending, signing, retrying (adapters.transport, adapters.signing), and what one province
spells differently (adapters.<province>). Sources: the field facts of two provincial interface
specifications on the national baseline XJ-K01-2020, see fields.csv.
"""
