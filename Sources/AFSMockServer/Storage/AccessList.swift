import AFSTypes

/// A directory's access list: rights given and rights taken away, by protection id.
struct AccessList: Sendable, Hashable {
  /// system:administrators, system:anyuser, system:authuser (OpenAFS src/ptserver/ptserver.h).
  static let administrators: Int32 = -204
  static let anyUser: Int32 = -101
  static let authenticatedUser: Int32 = -102

  var positive: [Int32: AccessRights] = [:]
  var negative: [Int32: AccessRights] = [:]

  /// All rights for everybody: what a mock cell without users wants.
  static let open = AccessList(positive: [
    anyUser: [.read, .write, .insert, .lookup, .delete, .lock, .administer]
  ])

  init(positive: [Int32: AccessRights] = [:], negative: [Int32: AccessRights] = [:]) {
    self.positive = positive
    self.negative = negative
  }

  /// The rights of somebody who is all of `ids`: his own, his groups', and the implied groups.
  func rights(of ids: Set<Int32>) -> AccessRights {
    var given: AccessRights = []
    var taken: AccessRights = []
    for id in ids {
      given.formUnion(positive[id] ?? [])
      taken.formUnion(negative[id] ?? [])
    }
    return given.subtracting(taken)
  }

  /// The textual form of FetchACL and StoreACL: counts of both lists, then a line `name rights` for each entry.
  func text(nameOf: (Int32) -> String) -> String {
    var result = "\(positive.count)\n\(negative.count)\n"
    for list in [positive, negative] {
      for (id, rights) in list.sorted(by: { $0.key < $1.key }) {
        result += "\(nameOf(id))\t\(rights.rawValue)\n"
      }
    }
    return result
  }

  /// nil when the text has another form or names somebody unknown.
  init?(text: String, idOf: (String) -> Int32?) {
    var lines = text.split(separator: "\n").makeIterator()
    guard let first = lines.next(), let second = lines.next(), let positives = Int(first), let negatives = Int(second),
      (0...200).contains(positives), (0...200).contains(negatives)
    else { return nil }
    for index in 0..<positives + negatives {
      guard let words = lines.next()?.split(whereSeparator: { $0 == "\t" || $0 == " " }), words.count == 2,
        let id = Int32(words[0]) ?? idOf(String(words[0])), let bits = UInt32(words[1])
      else { return nil }
      if index < positives {
        positive[id] = AccessRights(rawValue: bits)
      } else {
        negative[id] = AccessRights(rawValue: bits)
      }
    }
  }
}
