import ArgumentParser

/// What the mount shows at its top.
enum RootChoice: Hashable, Sendable, ExpressibleByArgument {
  /// A folder of cells.
  case dynamic
  /// A volume of the cell.
  case volume(String)

  init?(argument: String) {
    if argument.isEmpty { return nil }
    self = argument == "dynamic" ? .dynamic : .volume(argument)
  }

  var defaultValueDescription: String {
    switch self {
    case .dynamic: "dynamic"
    case .volume(let name): name
    }
  }
}
