/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The outbox: what it waits for. Floor 4.
 *
 * Requests to the journal cannot be taken back, so the answer to one that nobody waits for any more finds an errand
 * that has no outbox, and ends there. Requests to the store can: their slot is freed.
 */
#include "outbox-internal.h"

/**
 * outbox_send_errand() - note that the journal owes an answer
 * @outbox: waits for none yet
 * @ret:    to be given to the journal as userdata; outbox_drop_errand() when it does not take it
 *
 * Return: 0, or -ENOMEM.
 */
int outbox_send_errand(Outbox *outbox, Errand **ret) {
        Errand *errand = calloc(1, sizeof(*errand));

        if (!errand)
                return -ENOMEM;
        errand->outbox = outbox;
        outbox->errand = errand;
        *ret = errand;
        return 0;
}

/**
 * outbox_take_errand() - the journal's answer is there
 * @userdata: the errand, freed
 *
 * Return: who waits for it; NULL: nobody any more.
 */
Outbox *outbox_take_errand(void *userdata) {
        Errand *errand = userdata;
        Outbox *outbox = errand->outbox;

        if (outbox)
                outbox->errand = NULL;
        free(errand);
        return outbox;
}

/**
 * outbox_drop_errand() - the journal did not take it
 * @outbox: the outbox
 */
void outbox_drop_errand(Outbox *outbox) {
        free(outbox->errand);
        outbox->errand = NULL;
}

/**
 * outbox_rest() - what was under way has ended, one way or the other
 * @outbox: the outbox; its batch, slot and errand are let go
 */
void outbox_rest(Outbox *outbox) {
        if (outbox->errand)
                outbox->errand->outbox = NULL;
        outbox->errand = NULL;
        outbox->slot = store_slot_free(outbox->slot);
        outbox->batch = journal_batch_free(outbox->batch);
        outbox->object = outbox->doomed_object = 0;
        outbox->step = OUTBOX_STEP_REST;
}
