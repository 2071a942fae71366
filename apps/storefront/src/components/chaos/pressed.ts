/** Enter and Space on something that is a button to everybody but the browser. */

export function pressed(onPress: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    onPress();
  };
}
