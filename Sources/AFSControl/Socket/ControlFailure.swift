/// What went wrong with one of the sockets that a command asks, or with a folder of them.
package struct ControlFailure: Hashable, Sendable {
  package let path: String
  package let error: ControlError

  package init(path: String, error: ControlError) {
    self.path = path
    self.error = error
  }

  /// A line for people, which names the place once.
  package var text: String {
    switch error {
    case .badFolder, .badEnvironment, .foreignDaemon, .system(path, _): error.description
    default: "\(path): \(error)"
    }
  }
}
