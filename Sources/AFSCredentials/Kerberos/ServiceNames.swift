import AFSTypes

/// Under what names a cell's servers may be known to Kerberos, the likeliest first.
struct ServiceNames {
  let names: [String]

  /// - Parameters:
  ///   - given: the realm that somebody asks for: no other one then.
  ///   - mapped: what krb5.conf's domain mapping says of the cell; nil when it says nothing.
  ///   - user: the realm of whose ticket is used. A site's realm need not have its cell's name (OpenAFS src/aklog/aklog.c,
  ///     rxkad_get_ticket).
  init(of cell: CellName, given: String?, mapped: String?, user: String) {
    let own = cell.text.uppercased()
    var realms: [String] = []
    for realm in given.map({ [$0] }) ?? [mapped, user, own].compactMap(\.self)
    where !realm.isEmpty && !realms.contains(realm) { realms.append(realm) }
    names = realms.flatMap { realm in
      // Without the cell's name it is some cell of the realm: of a realm that is only guessed it may be another one.
      let isMeant = realm == given || realm == mapped || realm.uppercased() == own
      return ["afs/\(cell.text)@\(realm)"] + (isMeant ? ["afs@\(realm)"] : [])
    }
  }
}
