"""Who is known: RFID tags, the contracts they charge on, and what they may.

The front door is `book.Book`: a list in a file, so that it is there when nothing else is, read again when it changes. UIDs are in that file
and nowhere else: in memory, as in the journal, a tag is its keyed hash.
"""
