"""医院文件: files of national envelopes, as a hospital's own system already writes them.

One file is one settlement: a JSON array of request envelopes in the order they were made (2201,
2203, 2204 …, 2207; or 2401, 2301 …, 2402, 2304). This package turns it into one SettleClaimRequest,
or says everything that is wrong with it, each with its JSON path. Wire names live here and in the
adapters.
"""
