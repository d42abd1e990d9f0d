/* SPDX-License-Identifier: MIT */

/*
 * Sound: roughly how a folded text is said, for names are written by ear and brought over from
 * other scripts: Dostoevsky is Dostojewski, philip is filip.  After Soundex (R. Russell, US patent
 * 1,261,167, 1918) and Metaphone (L. Philips, "Hanging on the Metaphone", Computer Language 7(12),
 * 1990), but made to be compared letter by letter (J. Zobel and P. Dart, "Phonetic string matching:
 * lessons from information retrieval", SIGIR 1996), so nothing is cut off, and of no one language:
 *
 *     vowels, j and y      at the beginning, one sound for all; elsewhere not
 *     c                    before e, i, y, z as s, else as k; ck, q, ch as k; sch as s
 *     z as s, w as v, ph as f, x as ks
 *     h                    only at the beginning
 *     a letter twice       once, but for a vowel between
 *
 * Vowels are what changes first between scripts, tongues and ears, and letters are compared as
 * well. Digits stay as they are; letters that are not Latin are themselves, as far as five bits go.
 */
#ifndef WF_MATCH_SOUND_H
#define WF_MATCH_SOUND_H

#include "match/embed/gram.h"

/* Of longer texts the first sounds.  They fit a word of bits. */
#define WF_SOUND_MAX 62u

/* A sound is a number below this. */
#define WF_SOUND_KINDS 64u

/* Writes the sounds of a folded text without spaces; returns how many, at least one of a text that
 * is not empty. */
size_t wf_sound(wf_points text, uint8_t out[WF_SOUND_MAX]);

#endif
