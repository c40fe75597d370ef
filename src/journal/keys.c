/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is done to the keys as such, on request. Floor 2. What wraps them anew is vault-rotate.c.
 */
#include "engine.h"
#include "evidence-key.h"
#include "evidence.h"
#include "ledger.h"

/**
 * engine_rotate() - replace the salt, wrap every living key anew, and write that down
 * @engine:     the engine
 * @ledger_body: JSON; written in the same transaction
 *
 * Return: 0: it is on the medium; < 0: nothing was changed.
 */
int engine_rotate(Engine *engine, const char *ledger_body) {
        _cleanup_transaction_ Db *transaction = NULL;
        _cleanup_(keyring_freep) Keyring *next = NULL;
        int r;

        r = engine_vault_begin(engine, &transaction);
        if (r >= 0)
                r = ledger_append(engine->vault, ledger_body);
        if (r >= 0)
                r = vault_rotate(engine->vault, &next);
        if (r >= 0)
                r = engine_vault_commit(engine, &transaction);
        if (r < 0)
                return r;
        vault_adopt(engine->vault, TAKE_PTR(next));
        return 0;
}

/**
 * engine_start_evidence() - begin a chain of evidence whose first key somebody gets
 * @engine:     the engine
 * @ledger_body: JSON; written in the same transaction, vouched for by the chain that ends with it
 * @ret_key:    the key as text, see evidence-key.c; must be empty; nothing here has it afterwards; untouched on failure
 *
 * Return: 0: it is on the medium; < 0: the chain goes on as it did, or nobody has the first key of another one.
 */
int engine_start_evidence(Engine *engine, const char *ledger_body, Bytes *ret_key) {
        _cleanup_transaction_ Db *transaction = NULL;
        _cleanup_(secret_freep) Secret *first = NULL;
        _cleanup_bytes_ Bytes text = { 0 };
        int r;

        r = engine_vault_begin(engine, &transaction);
        if (r >= 0)
                r = ledger_append(engine->vault, ledger_body);
        if (r >= 0)
                r = evidence_start(engine->vault, &first);
        if (r >= 0)
                r = evidence_key_format(engine->vault, first, &text);
        if (r >= 0)
                r = engine_vault_commit(engine, &transaction);
        if (r >= 0)
                r = evidence_given_chain(engine->vault, &engine->evidence_chain);
        if (r < 0)
                return r;
        *ret_key = text;
        text = (Bytes){ 0 };
        return 0;
}
