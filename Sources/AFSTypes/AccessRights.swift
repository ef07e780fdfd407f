/// Rights of an AFS access list (OpenAFS src/libacl/prs.h; `fs listacl` shows them as `rlidwka`).
public struct AccessRights: OptionSet, Hashable, Sendable {
  public var rawValue: UInt32
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let read = AccessRights(rawValue: 1)
  public static let write = AccessRights(rawValue: 2)
  public static let insert = AccessRights(rawValue: 4)
  public static let lookup = AccessRights(rawValue: 8)
  public static let delete = AccessRights(rawValue: 16)
  public static let lock = AccessRights(rawValue: 32)
  public static let administer = AccessRights(rawValue: 64)
}
