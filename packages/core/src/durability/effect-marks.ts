/** Marks an action whose effect is data: it belongs to the state, and is kept with it until it is done. Of a `put`: the map. */
export const DATA: unique symbol = Symbol.for('@stigmergy/core/effect')

/** Of a `put`: the map itself, which is not stored. Null: nobody can say which it is. */
export const INTO: unique symbol = Symbol.for('@stigmergy/core/into')
