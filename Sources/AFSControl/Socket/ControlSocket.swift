/// Where a daemon listens, and what a command may believe of it.
package struct ControlSocket: Hashable, Sendable {
  package let path: String
  package let folder: RuntimeFolder
}
